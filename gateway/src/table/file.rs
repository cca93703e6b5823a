//! The file of routes as it is written.
//!
//! What must hold: everything that is wrong with it is told at once, each with its line and what would be right, and none of
//! it holds then. What is read compares, so that a reload knows what changed.

use crate::access::AccessSpec;
use crate::aggregate::AggregateSpec;
use crate::cache::CacheSpec;
use crate::oidc::ProviderSpec;
use crate::rollout::{MirrorSpec, RolloutSpec, VariantSpec};
use crate::upstream::UpstreamSpec;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use toml::Spanned;

/// The file.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    /// The routes.
    #[serde(default)]
    pub(crate) route: Vec<Spanned<RouteSpec>>,
    /// What is no service of the platform, by name.
    #[serde(default)]
    pub(crate) upstream: BTreeMap<String, Spanned<UpstreamSpec>>,
    /// Identity providers that are not of the platform, by name.
    #[serde(default)]
    pub(crate) provider: BTreeMap<String, Spanned<ProviderSpec>>,
}

/// A route as it is written.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RouteSpec {
    /// Its name, unique in the file: the label in metrics and logs.
    pub(crate) name: String,
    /// The host: `shop.example` or `*.example`. Any when there is none.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// The pattern of its paths.
    pub(crate) path: String,
    /// The methods. Any when there are none.
    #[serde(default)]
    pub(crate) methods: Vec<String>,
    /// What headers have to be; `*` is anything.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// What parameters of the query have to be; `*` is anything.
    #[serde(default)]
    pub(crate) query: BTreeMap<String, String>,
    /// The service of the platform behind it.
    #[serde(default)]
    pub(crate) service: Option<String>,
    /// The upstream behind it.
    #[serde(default)]
    pub(crate) upstream: Option<String>,
    /// Where a client is sent instead.
    #[serde(default)]
    pub(crate) redirect: Option<RedirectSpec>,
    /// The path that is asked for behind it.
    #[serde(default)]
    pub(crate) rewrite: Option<String>,
    /// Whether what is behind sees the host that the client asked for, instead of its own.
    #[serde(default)]
    pub(crate) preserve_host: bool,
    /// What is done to the headers of requests.
    #[serde(default)]
    pub(crate) request_headers: EditSpec,
    /// What is done to the headers of answers.
    #[serde(default)]
    pub(crate) response_headers: EditSpec,
    /// Milliseconds until a request must be answered.
    #[serde(default)]
    pub(crate) timeout_ms: Option<u64>,
    /// Who may use it. Where nothing is said, an upstream wants somebody who is logged in, and a service asks for itself.
    #[serde(default)]
    pub(crate) access: Option<AccessSpec>,
    /// Attempts on instances of an upstream at most, for what is safe to send again.
    #[serde(default)]
    pub(crate) tries: Option<u32>,
    /// The largest body in bytes.
    #[serde(default)]
    pub(crate) body_limit: Option<usize>,
    /// How often somebody may ask, such as `30 per 1m by user`.
    #[serde(default)]
    pub(crate) limits: Vec<String>,
    /// Which pages may call.
    #[serde(default)]
    pub(crate) cors: Option<Vec<String>>,
    /// Or what an answer is put together from.
    #[serde(default)]
    pub(crate) aggregate: Option<AggregateSpec>,
    /// How answers are kept.
    #[serde(default)]
    pub(crate) cache: Option<CacheSpec>,
    /// A part of its requests goes to another target.
    #[serde(default)]
    pub(crate) rollout: Option<RolloutSpec>,
    /// Copies of its requests go to an upstream, too.
    #[serde(default)]
    pub(crate) mirror: Option<MirrorSpec>,
    /// Targets that share its requests, and are compared.
    #[serde(default)]
    pub(crate) variants: Vec<VariantSpec>,
    /// Whether answers may be compressed.
    #[serde(default = "yes")]
    pub(crate) compress: bool,
}

/// Where a client is sent.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RedirectSpec {
    /// A URL or a path, with parameters of the route's path.
    pub(crate) to: String,
    /// 301, 302, 303, 307 or 308.
    #[serde(default = "temporary")]
    pub(crate) status: u16,
}

/// What is done to headers.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EditSpec {
    /// Set, instead of what was there.
    #[serde(default)]
    pub(crate) set: BTreeMap<String, String>,
    /// Removed.
    #[serde(default)]
    pub(crate) remove: Vec<String>,
}

fn yes() -> bool {
    true
}

fn temporary() -> u16 {
    307
}

/// Something that is wrong with the file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Problem {
    /// The line, from 1.
    pub(crate) line: usize,
    /// What it is about, such as `route shop: timeout_ms`.
    pub(crate) place: String,
    /// What is wrong, and what would be right.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { line, place, message } = self;
        if place.is_empty() {
            return write!(f, "line {line}: {message}");
        }
        write!(f, "line {line}, {place}: {message}")
    }
}

/// The text of a file, in which lines are looked up.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source<'a>(pub(crate) &'a str);

impl<'a> Source<'a> {
    /// Reads the file.
    pub(crate) fn read(self) -> Result<File, Problem> {
        toml::from_str(self.0).map_err(|error| Problem {
            line: error.span().map_or(1, |span| self.line_at(span.start)),
            place: String::new(),
            message: error.message().trim().to_owned(),
        })
    }

    /// The line of a place in the text, from 1.
    pub(crate) fn line_at(self, at: usize) -> usize {
        1 + self.0.bytes().take(at).filter(|byte| *byte == b'\n').count()
    }

    /// The line on which a table says this about a key of it; the table's own when it says nothing.
    pub(crate) fn line_of(self, table: Range<usize>, key: &str) -> usize {
        let first = self.line_at(table.start);
        let key = key.split(['.', '[']).next().unwrap_or(key);
        let says = |line: &str| {
            let line = line.trim_start();
            let sub_table = line.strip_prefix('[').and_then(|rest| rest.split(']').next());
            let sub_table = sub_table.is_some_and(|name| name.split('.').nth(1) == Some(key));
            let rest = line.strip_prefix(key).map(str::trim_start);
            sub_table || rest.is_some_and(|rest| rest.starts_with(['=', '.']))
        };
        let after = self.0.lines().enumerate().skip(first - 1);
        // Its own lines end where the next table of its kind begins.
        let mut own = after.take_while(|(number, line)| {
            *number < first || !line.trim_start().starts_with("[[") && !is_top_table(line)
        });
        own.find(|(_, line)| says(line)).map_or(first, |(number, _)| number + 1)
    }
}

/// Whether a table that is no part of a route begins on this line.
fn is_top_table(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('[') && !line.starts_with("[route.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
[[route]]
name = "one"
path = "/one"
service = "things"

[[route]]
name = "two"
path = "/two"
timeout_ms = 5
[route.request_headers]
set = { a = "1" }
"#;

    #[test]
    fn a_route_is_read_with_the_lines_it_stands_on() {
        let source = Source(FILE);
        let file = source.read().unwrap();
        let two = &file.route[1];
        assert_eq!(two.get_ref().name, "two");
        assert_eq!(source.line_at(two.span().start), 7);
        for (key, line) in [("name", 8), ("timeout_ms", 10), ("request_headers", 11), ("limits", 7)] {
            assert_eq!(source.line_of(two.span(), key), line, "{key}");
        }
        assert_eq!(source.line_of(file.route[0].span(), "timeout_ms"), 2, "another route's is not its own");
    }

    #[test]
    fn what_cannot_be_read_names_its_line() {
        let problem = Source("[[route]]\nname = \"a\"\npath = \"/\"\ntimeout = 5\n").read().unwrap_err();
        assert_eq!(problem.line, 4);
        assert!(problem.message.contains("timeout"), "{problem}");
        assert_eq!(Source("\n\nroute = 7\n").read().unwrap_err().line, 3);
    }
}

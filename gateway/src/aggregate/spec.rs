//! What the file says of an answer that is put together.

use crate::table::{Pattern, Template};
use serde::Deserialize;

/// Parts of one answer.
const MOST: usize = 16;
/// Bytes of one part at most, and of all of them.
const LARGEST: usize = 8 * 1024 * 1024;
const LARGEST_OF_ALL: usize = 32 * 1024 * 1024;
const LONGEST_MS: u64 = 60_000;

/// `aggregate = { parts = [...] }` of a route.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AggregateSpec {
    /// What the answer is put together from.
    pub(crate) parts: Vec<PartSpec>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartSpec {
    /// The name that it has in the answer.
    pub(crate) name: String,
    /// The service that is asked.
    #[serde(default)]
    pub(crate) service: Option<String>,
    /// Or the upstream.
    #[serde(default)]
    pub(crate) upstream: Option<String>,
    /// What it is asked for: a path, with a query if need be; `{name}` stands for a parameter of the route's path.
    pub(crate) path: String,
    /// Whether there is no answer without it.
    #[serde(default)]
    pub(crate) required: bool,
    /// Milliseconds that it may take.
    #[serde(default = "patience")]
    pub(crate) timeout_ms: u64,
    /// What is taken of its answer, as names of members with dots between them. Without it that is `data` of what a service
    /// says, and all of what an upstream says.
    #[serde(default)]
    pub(crate) pick: Option<String>,
    /// Largest answer in bytes.
    #[serde(default = "body")]
    pub(crate) max_body: usize,
}

const fn patience() -> u64 {
    1_000
}

const fn body() -> usize {
    1024 * 1024
}

impl AggregateSpec {
    /// For a person.
    pub(crate) fn describe(&self) -> String {
        let names: Vec<_> = self.parts.iter().map(|part| part.name.as_str()).collect();
        format!("put together from {}", names.join(", "))
    }

    /// Whether anything is asked that does not ask for itself who it is.
    pub(crate) fn leaves(&self) -> bool {
        self.parts.iter().any(|part| part.upstream.is_some())
    }

    /// Field and what is wrong with it. The services and upstreams are those that there are.
    pub(crate) fn check(
        &self,
        pattern: &Pattern,
        services: &[&str],
        upstreams: &[&str],
    ) -> Vec<(String, String)> {
        let mut wrong = Vec::new();
        if self.parts.is_empty() || self.parts.len() > MOST {
            wrong.push(("parts".to_owned(), format!("must be between 1 and {MOST}")));
        }
        let all = self.parts.iter().map(|part| part.max_body).fold(0, usize::saturating_add);
        if all > LARGEST_OF_ALL {
            wrong.push((
                "parts".to_owned(),
                format!("have max_body of more than {LARGEST_OF_ALL} bytes together"),
            ));
        }
        for (at, part) in self.parts.iter().enumerate() {
            let twin = self.parts.iter().take(at).any(|other| other.name == part.name);
            let mut say = |field: &str, what: String| wrong.push((format!("parts[{at}].{field}"), what));
            if twin {
                say("name", format!("`{}` is the name of another part", part.name));
            }
            for (field, named, known) in
                [("service", &part.service, services), ("upstream", &part.upstream, upstreams)]
            {
                if let Some(name) = named.as_ref().filter(|name| !known.contains(&name.as_str())) {
                    say(field, format!("there is no {field} `{name}`; there is: {}", known.join(", ")));
                }
            }
            part.check(pattern, &mut say);
        }
        wrong
    }
}

impl PartSpec {
    fn check(&self, pattern: &Pattern, say: &mut dyn FnMut(&str, String)) {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.bytes().all(fine) {
            say("name", "must be 1 to 64 letters, digits, `-` or `_`".to_owned());
        }
        if self.service.is_some() == self.upstream.is_some() {
            say("service", "a part has exactly one of: service, upstream".to_owned());
        }
        if !self.path.starts_with('/') || self.path.contains('#') || self.path.starts_with("/internal") {
            say(
                "path",
                "must be a path, such as /api/v1/catalog/products/{id}, and not below /internal".to_owned(),
            );
        }
        for piece in self.path.splitn(2, '?') {
            if let Err(what) = Template::parse(piece, pattern) {
                say("path", what);
            }
        }
        if !(1..=LONGEST_MS).contains(&self.timeout_ms) {
            say("timeout_ms", format!("must be between 1 and {LONGEST_MS}"));
        }
        if self.max_body == 0 || self.max_body > LARGEST {
            say("max_body", format!("must be between 1 and {LARGEST} bytes"));
        }
        if self.pick.as_ref().is_some_and(|pick| pick.split('.').any(str::is_empty)) {
            say("pick", "must be names of members with dots between them, such as data.items".to_owned());
        }
    }
}

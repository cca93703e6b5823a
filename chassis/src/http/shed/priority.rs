//! How important a request is.

use anyhow::Context as _;
use http::{HeaderMap, HeaderName, Request};
use std::time::Duration;
use utoipa::openapi::OpenApi;

/// RFC 9218: `u=0` (most urgent) to `u=7` (in the background); without it 3.
const PRIORITY: HeaderName = HeaderName::from_static("priority");
/// From here on a client says that its request can wait.
const CAN_WAIT: u8 = b'5';
/// What an operation's priority is called in a service's OpenAPI document.
const EXTENSION: &str = "x-priority";

/// How important a request is: what is refused first while the process is saturated, and what last.
///
/// A service says so in its OpenAPI document, for example `extensions(("x-priority" = json!("low")))`; without a word an
/// operation of the API is ordinary, and what is outside of the API (documents, pages) is low. Internal routes are critical,
/// and so is what another service asks for on the way to an answer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Priority {
    /// Lists, documents, reads in the background.
    Low,
    /// Everything that is not said to be something else.
    Normal,
    /// What was paid for, what keeps others safe, and what belongs to a request that was let in elsewhere.
    Critical,
}

impl Priority {
    pub(super) const ALL: [Self; 3] = [Self::Low, Self::Normal, Self::Critical];

    /// One step less important.
    pub(super) const fn lower(self) -> Self {
        match self {
            Self::Critical => Self::Normal,
            Self::Normal | Self::Low => Self::Low,
        }
    }

    /// Its name in documents and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::Critical => "critical",
        }
    }

    /// How many requests may be in flight for one more of this priority, of `limit`.
    pub(super) const fn share(self, limit: usize) -> usize {
        match self {
            Self::Low => limit / 2,
            Self::Normal => limit * 4 / 5,
            Self::Critical => limit,
        }
    }

    /// When to ask again: what can wait, later.
    pub(super) const fn retry_after(self) -> Duration {
        match self {
            Self::Low => Duration::from_secs(5),
            Self::Normal | Self::Critical => Duration::from_secs(1),
        }
    }
}

/// The priorities of all operations that have one.
#[derive(Debug, Default)]
pub(super) struct Priorities(Vec<Operation>);

#[derive(Debug)]
struct Operation {
    method: String,
    /// The path; nothing where anything may stand.
    segments: Vec<Option<String>>,
    priority: Priority,
}

impl Priorities {
    pub(super) fn read(documents: &[OpenApi]) -> anyhow::Result<Self> {
        let mut all = Vec::new();
        for document in documents {
            let document = serde_json::to_value(document)?;
            for (template, item) in document["paths"].as_object().into_iter().flatten() {
                for (method, operation) in item.as_object().into_iter().flatten() {
                    let Some(named) = operation.get(EXTENSION) else { continue };
                    let found = Priority::ALL.into_iter().find(|priority| named == priority.as_str());
                    let priority =
                        found.with_context(|| format!("{method} {template}: {EXTENSION} {named}"))?;
                    let segment = |segment: &str| (!segment.starts_with('{')).then(|| segment.to_owned());
                    let segments = template.split('/').map(segment).collect();
                    all.push(Operation { method: method.to_uppercase(), segments, priority });
                }
            }
        }
        // Where a path fits two, the one that names it counts.
        all.sort_by_key(|operation| operation.segments.iter().filter(|segment| segment.is_none()).count());
        Ok(Self(all))
    }

    /// The priority of a request from outside of the process.
    pub(super) fn of<B>(&self, request: &Request<B>, from_service: bool) -> Priority {
        let path = request.uri().path();
        if from_service && path.starts_with("/internal/") {
            return Priority::Critical;
        }
        let method = match request.method().as_str() {
            "HEAD" => "GET",
            method => method,
        };
        let said = self.0.iter().find(|operation| operation.is(method, path));
        let otherwise = if path.starts_with("/api/") { Priority::Normal } else { Priority::Low };
        let priority = said.map_or(otherwise, |operation| operation.priority);
        // A gateway passes on what the client said of itself.
        if can_wait(request.headers()) {
            Priority::Low
        } else if from_service {
            // Let in elsewhere: what is done for it already would be in vain. What can wait still can.
            if priority == Priority::Low { Priority::Normal } else { Priority::Critical }
        } else {
            priority
        }
    }
}

impl Operation {
    fn is(&self, method: &str, path: &str) -> bool {
        let mut given = path.split('/');
        self.method == method
            && self.segments.iter().all(|wanted| {
                let segment = given.next();
                match wanted {
                    Some(wanted) => segment == Some(wanted),
                    None => segment.is_some_and(|segment| !segment.is_empty()),
                }
            })
            && given.next().is_none()
    }
}

fn can_wait(headers: &HeaderMap) -> bool {
    let urgency = |line: &[u8]| {
        let mut parameters = line.split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        parameters.find_map(|parameter| match parameter {
            [b'u', b'=', urgency @ b'0'..=b'7'] => Some(*urgency),
            _ => None,
        })
    };
    let urgency = headers.get(&PRIORITY).and_then(|line| urgency(line.as_bytes()));
    urgency.is_some_and(|urgency| urgency >= CAN_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn priorities() -> Priorities {
        let document = json!({
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
            "paths": {
                "/api/v1/things": {"get": {"responses": {}, "x-priority": "low"}, "post": {"responses": {}}},
                "/api/v1/things/{id}": {"get": {"responses": {}, "x-priority": "low"}},
                "/api/v1/things/~paid": {"get": {"responses": {}, "x-priority": "critical"}},
            },
        });
        Priorities::read(&[serde_json::from_value(document).unwrap()]).unwrap()
    }

    fn of(method: &str, path: &str, priority: &str, from_service: bool) -> Priority {
        let request =
            Request::builder().method(method).uri(path).header(PRIORITY, priority).body(()).unwrap();
        priorities().of(&request, from_service)
    }

    #[test]
    fn an_operation_has_the_priority_of_its_document() {
        for (method, path, expected) in [
            ("GET", "/api/v1/things", Priority::Low),
            ("HEAD", "/api/v1/things", Priority::Low),
            ("POST", "/api/v1/things", Priority::Normal),
            ("GET", "/api/v1/things/1", Priority::Low),
            ("GET", "/api/v1/things/1/parts", Priority::Normal),
            ("GET", "/api/v1/things/", Priority::Normal),
            ("GET", "/api/v1/things/~paid", Priority::Critical),
            ("GET", "/docs", Priority::Low),
            ("GET", "/internal/v1/things/closed", Priority::Low),
        ] {
            assert_eq!(of(method, path, "i", false), expected, "{method} {path}");
        }
    }

    #[test]
    fn a_client_makes_its_request_less_important_and_never_more() {
        assert_eq!(of("GET", "/api/v1/things/~paid", "u=7", false), Priority::Low);
        assert_eq!(of("POST", "/api/v1/things", "i, u=5", false), Priority::Low);
        assert_eq!(of("POST", "/api/v1/things", "u=4", false), Priority::Normal);
        assert_eq!(of("GET", "/api/v1/things", "u=0", false), Priority::Low);
        assert_eq!(of("POST", "/api/v1/things", "u=77", false), Priority::Normal);
    }

    #[test]
    fn what_was_let_in_elsewhere_is_refused_after_what_comes_now() {
        assert_eq!(of("POST", "/api/v1/things", "", true), Priority::Critical);
        assert_eq!(of("GET", "/internal/v1/things/closed", "", true), Priority::Critical);
        assert_eq!(of("GET", "/api/v1/things", "", true), Priority::Normal);
        assert_eq!(of("POST", "/api/v1/things", "u=6", true), Priority::Low);
    }

    #[test]
    fn a_priority_that_does_not_exist_ends_the_start() {
        let document = json!({
            "openapi": "3.1.0", "info": {"title": "t", "version": "1"},
            "paths": {"/api/v1/things": {"get": {"responses": {}, "x-priority": "urgent"}}},
        });
        let error = Priorities::read(&[serde_json::from_value(document).unwrap()]).unwrap_err();
        assert!(error.to_string().contains("get /api/v1/things"), "{error}");
    }
}

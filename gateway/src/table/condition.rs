//! What a request has to be besides its path, for a route to be meant.

use super::file::RouteSpec;
use http::header::HOST;
use http::{HeaderName, Method, Request};

/// What a request has to be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Conditions {
    pub(super) host: Option<HostRule>,
    pub(super) methods: Vec<Method>,
    pub(super) headers: Vec<(HeaderName, Wanted)>,
    pub(super) query: Vec<(String, Wanted)>,
}

/// The host of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HostRule {
    /// This one.
    Exact(String),
    /// One below this domain, which begins with a dot.
    Below(String),
}

/// What a value has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wanted {
    Anything,
    Exactly(String),
}

/// The first thing that a request is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unmet {
    Host,
    Method,
    Header(HeaderName),
    Query(String),
}

impl Conditions {
    /// The conditions of a route; what is wrong is told by field.
    pub(super) fn of(spec: &RouteSpec, mut say: impl FnMut(&'static str, String)) -> Self {
        let mut conditions = Self::default();
        if let Some(host) = &spec.host {
            match HostRule::parse(host) {
                Ok(host) => conditions.host = Some(host),
                Err(message) => say("host", message),
            }
        }
        for method in &spec.methods {
            match method.parse::<Method>() {
                Ok(method) if is_known(&method) => conditions.methods.push(method),
                _ => say("methods", format!("`{method}` is none that is served; write GET, POST and so on")),
            }
        }
        // Who may read a thing may ask for its head (RFC 9110, section 9.3.2).
        if conditions.methods.contains(&Method::GET) && !conditions.methods.contains(&Method::HEAD) {
            conditions.methods.push(Method::HEAD);
        }
        for (name, value) in &spec.headers {
            match HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => conditions.headers.push((name, Wanted::parse(value))),
                Err(_) => say("headers", format!("`{name}` is no name of a header")),
            }
        }
        conditions.query =
            spec.query.iter().map(|(name, value)| (name.clone(), Wanted::parse(value))).collect();
        conditions
    }

    /// Whether a request is all of it.
    pub(super) fn unmet<B>(&self, request: &Request<B>) -> Result<(), Unmet> {
        if let Some(rule) = &self.host
            && !host(request).is_some_and(|host| rule.matches(host))
        {
            return Err(Unmet::Host);
        }
        for (name, wanted) in &self.headers {
            let mut values = request.headers().get_all(name).iter();
            if !values.any(|value| wanted.is(value.as_bytes())) {
                return Err(Unmet::Header(name.clone()));
            }
        }
        if !self.query.is_empty() {
            let query = request.uri().query().unwrap_or_default().as_bytes();
            let pairs: Vec<_> = form_urlencoded::parse(query).collect();
            for (name, wanted) in &self.query {
                if !pairs.iter().any(|(key, value)| key == name && wanted.is(value.as_bytes())) {
                    return Err(Unmet::Query(name.clone()));
                }
            }
        }
        // Last, so that a path whose method is another is known to be there.
        if !self.methods.is_empty() && !self.methods.contains(request.method()) {
            return Err(Unmet::Method);
        }
        Ok(())
    }

    /// How much it asks for; of two routes for one path, the one that asks for more is meant.
    pub(super) fn narrowness(&self) -> (u8, usize, bool) {
        let host = match self.host {
            Some(HostRule::Exact(_)) => 2,
            Some(HostRule::Below(_)) => 1,
            None => 0,
        };
        (host, self.headers.len() + self.query.len(), !self.methods.is_empty())
    }
}

impl HostRule {
    fn parse(text: &str) -> Result<Self, String> {
        let fine = |host: &str| {
            let letter =
                |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:[]".contains(&byte);
            !host.is_empty() && !host.starts_with('.') && host.bytes().all(letter)
        };
        match text.strip_prefix("*.") {
            Some(domain) if fine(domain) => Ok(Self::Below(format!(".{domain}"))),
            None if fine(text) => Ok(Self::Exact(text.to_owned())),
            _ => Err(format!(
                "`{text}` must be like shop.example or *.example, in small letters, without a port"
            )),
        }
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Exact(exact) => host.eq_ignore_ascii_case(exact),
            Self::Below(domain) => {
                let split = host.len().checked_sub(domain.len()).filter(|at| *at > 0);
                let end = split.and_then(|at| host.get(at..));
                end.is_some_and(|end| end.eq_ignore_ascii_case(domain))
            }
        }
    }
}

impl Wanted {
    fn parse(text: &str) -> Self {
        if text == "*" { Self::Anything } else { Self::Exactly(text.to_owned()) }
    }

    fn is(&self, value: &[u8]) -> bool {
        match self {
            Self::Anything => true,
            Self::Exactly(exactly) => exactly.as_bytes() == value,
        }
    }
}

impl std::fmt::Display for Unmet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host => f.write_str("another host"),
            Self::Method => f.write_str("another method"),
            Self::Header(name) => write!(f, "header {name} is not as wanted"),
            Self::Query(name) => write!(f, "parameter {name} is not as wanted"),
        }
    }
}

/// The host that a request is for, without its port.
pub(crate) fn host<B>(request: &Request<B>) -> Option<&str> {
    if let Some(authority) = request.uri().authority() {
        return Some(authority.host());
    }
    let host = request.headers().get(HOST)?.to_str().ok()?;
    let port = host.rfind(':').filter(|at| !host[*at..].contains(']'));
    Some(port.map_or(host, |at| &host[..at]))
}

fn is_known(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .contains(method)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    fn of(host: &str) -> Request<Body> {
        Request::get("/").header(HOST, host).body(Body::empty()).unwrap()
    }

    #[test]
    fn a_host_is_matched_without_its_port_in_any_case() {
        let exact = HostRule::parse("shop.example").unwrap();
        for (named, matches) in [
            ("shop.example", true),
            ("Shop.Example:8080", true),
            ("a.shop.example", false),
            ("example", false),
        ] {
            assert_eq!(host(&of(named)).is_some_and(|host| exact.matches(host)), matches, "{named}");
        }
        let below = HostRule::parse("*.example").unwrap();
        for (named, matches) in
            [("a.example", true), ("a.b.example:1", true), ("example", false), (".example", false)]
        {
            assert_eq!(host(&of(named)).is_some_and(|host| below.matches(host)), matches, "{named}");
        }
        assert_eq!(host(&of("[::1]:8080")), Some("[::1]"));
        assert_eq!(host(&of("[::1]")), Some("[::1]"));
        for wrong in ["", "*", "*.", "a b", "http://a", "SHOP", ".a"] {
            assert!(HostRule::parse(wrong).is_err(), "{wrong}");
        }
    }
}

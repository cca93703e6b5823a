//! Refuses requests that two who read them could read differently.
//!
//! A proxy before this process, the door and the service behind it must see the same request, else one of them decides about
//! another than the one that is carried out (request smuggling, cache poisoning). hyper refuses what breaks the framing:
//! lengths that contradict each other, folded lines, a space before a colon, control characters. A request with both a
//! length and chunks is read by its chunks, its length is dropped, and its connection ends with the answer (RFC 9112, section
//! 6.1). What hyper lets through and we do not is here:
//! - no host, two of them, one that is none, or another than that of the target;
//! - a transfer coding besides `chunked`, which the service behind would not know of;
//! - a path in which a slash, a backslash or a NUL is hidden;
//! - `CONNECT` and `TRACE`, which make a tunnel of a door, or a mirror.
//!
//! Over HTTP/1 the connection of a refused request ends with the answer: what follows on it is nobody's request.

use crate::error::{ApiError, ApiResult};
use contract::ErrorCode;
use http::header::{CONNECTION, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderValue, Method, Request, Version};

/// Marks a request from the wire that has to name its host and does not, so that it is refused as one whose host is none.
pub(super) fn mark_hostless<B>(request: &mut Request<B>) {
    let names_it = match request.version() {
        Version::HTTP_11 => false,
        Version::HTTP_2 => request.uri().authority().is_some(),
        _ => true,
    };
    if !names_it && !request.headers().contains_key(HOST) {
        request.headers_mut().insert(HOST, HeaderValue::from_static(""));
    }
}

/// Whether everybody reads this request in the same way.
pub(super) fn check<B>(request: &Request<B>) -> ApiResult<()> {
    let wrong = method(request)
        .or_else(|| host(request))
        .or_else(|| framing(request))
        .or_else(|| path(request.uri().path()));
    let Some((code, message)) = wrong else { return Ok(()) };
    let error = ApiError::new(code, message);
    Err(match request.version() {
        Version::HTTP_2 => error,
        _ => error.header(CONNECTION, HeaderValue::from_static("close")),
    })
}

type Wrong = Option<(ErrorCode, &'static str)>;

fn method<B>(request: &Request<B>) -> Wrong {
    let tunnel = matches!(*request.method(), Method::CONNECT | Method::TRACE);
    tunnel.then_some((ErrorCode::MethodNotAllowed, "This method is not served."))
}

fn host<B>(request: &Request<B>) -> Wrong {
    let mut hosts = request.headers().get_all(HOST).into_iter();
    let target = request.uri().authority();
    let message = match (hosts.next(), hosts.next(), target) {
        (_, Some(_), _) => "There is more than one Host.",
        (None, _, Some(target)) if !is_host(target) => "The authority of the target is not a host.",
        (None, ..) => return None,
        (Some(host), None, target) => match (Authority::try_from(host.as_bytes()), target) {
            (Ok(host), _) if !is_host(&host) => "Host is not a host with an optional port.",
            (Ok(host), Some(target)) if host != *target => "Host is another than that of the target.",
            (Ok(_), _) => return None,
            (Err(_), _) => "Host is not a host with an optional port.",
        },
    };
    Some((ErrorCode::Validation, message))
}

/// Whether it is a host with an optional port, and nobody at it.
fn is_host(authority: &Authority) -> bool {
    let host = authority.host();
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    // A colon with nothing behind it is as good as none.
    let is_port = |port: &str| port.is_empty() || digits(port) && port.parse::<u16>().is_ok();
    let behind = authority.as_str().strip_prefix(host);
    let rest = behind.is_some_and(|rest| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port));
    rest && !host.is_empty()
}

fn framing<B>(request: &Request<B>) -> Wrong {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).into_iter();
    let fine = match (codings.next(), codings.next()) {
        (None, _) => true,
        (Some(coding), None) => coding.as_bytes().eq_ignore_ascii_case(b"chunked"),
        (Some(_), Some(_)) => false,
    };
    (!fine).then_some((ErrorCode::Validation, "Transfer-Encoding must be `chunked` and nothing else."))
}

fn path(path: &str) -> Wrong {
    let hidden = |at: usize| {
        let digits = path.as_bytes().get(at + 1..at + 3).map(<[u8]>::to_ascii_lowercase);
        matches!(digits.as_deref(), Some(b"2f" | b"5c" | b"00"))
    };
    let ambiguous = path.contains('\\') || path.match_indices('%').any(|(at, _)| hidden(at));
    ambiguous.then_some((ErrorCode::Validation, "The path hides a slash, a backslash or a NUL."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(version: Version, target: &str, headers: &[(&str, &str)]) -> bool {
        let mut request = Request::builder().version(version).uri(target);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        check(&request.body(()).unwrap()).is_err()
    }

    #[test]
    fn a_request_says_once_and_clearly_to_which_host_it_goes() {
        let refused = |target: &str, hosts: &[&str]| {
            let hosts: Vec<_> = hosts.iter().map(|host| ("host", *host)).collect();
            refused(Version::HTTP_11, target, &hosts)
        };
        for (target, hosts) in [
            ("/", &["shop.example"][..]),
            ("/", &["[::1]:8080"]),
            ("/", &["shop.example:"]),
            ("http://shop.example/", &["Shop.example"]),
            ("http://shop.example:8080/", &["shop.example:8080"]),
        ] {
            assert!(!refused(target, hosts), "{target} {hosts:?}");
        }
        for (target, hosts) in [
            ("/", &["shop.example", "shop.example"][..]),
            ("/", &["shop.example, evil.example"]),
            ("/", &["ada@shop.example"]),
            ("/", &["shop.example/x"]),
            ("/", &["shop.example:http"]),
            ("/", &["shop.example:99999"]),
            ("/", &["shop.example:+80"]),
            ("/", &["shop.example:1@shop.example"]),
            ("/", &[""]),
            ("http://shop.example/", &["evil.example"]),
            ("http://shop.example/", &["shop.example:81"]),
        ] {
            assert!(refused(target, hosts), "{target} {hosts:?}");
        }
    }

    #[test]
    fn a_request_that_has_to_name_a_host_and_does_not_is_refused() {
        for (version, target, fine) in [
            (Version::HTTP_10, "/", true),
            (Version::HTTP_11, "/", false),
            (Version::HTTP_11, "http://shop.example/", false),
            (Version::HTTP_2, "https://shop.example/", true),
            (Version::HTTP_2, "/", false),
        ] {
            let mut request = Request::builder().version(version).uri(target).body(()).unwrap();
            mark_hostless(&mut request);
            assert_eq!(check(&request).is_ok(), fine, "{version:?} {target}");
        }
    }

    #[test]
    fn an_old_request_needs_no_host_and_a_new_one_says_it_in_its_target() {
        assert!(!refused(Version::HTTP_10, "/", &[]));
        assert!(!refused(Version::HTTP_2, "https://shop.example/", &[]));
        assert!(!refused(Version::HTTP_2, "https://shop.example/", &[("host", "shop.example")]));
        assert!(refused(Version::HTTP_2, "https://shop.example/", &[("host", "evil.example")]));
        assert!(refused(Version::HTTP_2, "https://ada@shop.example/", &[]));
    }

    #[test]
    fn chunks_are_the_only_coding() {
        let refused = |codings: &[&str]| {
            let codings = codings.iter().map(|coding| ("transfer-encoding", *coding));
            refused(Version::HTTP_11, "/", &[("host", "x")].into_iter().chain(codings).collect::<Vec<_>>())
        };
        assert!(!refused(&[]) && !refused(&["chunked"]) && !refused(&["Chunked"]));
        for codings in
            [&["gzip, chunked"][..], &["chunked, chunked"], &["chunked", "chunked"], &["identity", "chunked"]]
        {
            assert!(refused(codings), "{codings:?}");
        }
    }

    #[test]
    fn nothing_is_hidden_in_a_path() {
        for plain in ["/", "/a%20b", "/a%2eb", "/%C3%A9", "/a%2", "/100%"] {
            assert_eq!(path(plain), None, "{plain}");
        }
        for hides in ["/a%2fb", "/a%2Fb", "/a%5cb", "/a%5C", "/a\\b", "/%00"] {
            assert!(path(hides).is_some(), "{hides}");
        }
    }
}

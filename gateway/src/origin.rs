//! From which pages a browser may open a WebSocket, or change something with a cookie.
//!
//! A browser sends a page's WebSocket handshake to any host, with that host's cookies, and asks nobody first: CORS does not
//! hold for it. So the door looks at `Origin`, which a page cannot forge (RFC 6455, section 10.2). What is no browser sends none.

use http::header::{HOST, HeaderMap, HeaderValue, ORIGIN};
use http::uri::Authority;
use http::{Request, Uri};

/// The origins that may, besides the host's own.
#[derive(Debug, Clone)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    /// Those that may call (`http.allowed_origins`), and the one under which the platform is reached.
    pub(crate) fn new(allowed: &[String], public_url: &str) -> Self {
        let public = public_url.parse::<Uri>().ok().and_then(|url| {
            Some(format!("{}://{}", url.scheme_str()?, url.authority()?).to_ascii_lowercase())
        });
        Self(allowed.iter().cloned().chain(public).collect())
    }

    /// Whether the page that sends this request may, or nobody sends it but a program. `secure` says whether the request came
    /// over HTTPS: then a page that came over plain HTTP may not, because anybody on the way could have written it.
    pub(crate) fn may<B>(&self, request: &Request<B>, secure: bool) -> bool {
        let mut origins = request.headers().get_all(ORIGIN).into_iter();
        match (origins.next(), origins.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                origin.to_str().is_ok_and(|origin| self.is_listed(origin) || is_own(origin, request, secure))
            }
            (Some(_), Some(_)) => false,
        }
    }

    /// Whether a page sends it, and one that may by its name: here or in `more`.
    pub(crate) fn is_named(&self, headers: &HeaderMap, more: &[String]) -> bool {
        only(headers).is_some_and(|origin| self.is_listed(origin) || more.iter().any(|named| named == origin))
    }

    /// The same, or one of the host that it calls; `secure` as above.
    pub(crate) fn is_own_or_named<B>(&self, request: &Request<B>, secure: bool, more: &[String]) -> bool {
        let headers = request.headers();
        let is_own = || only(headers).is_some_and(|origin| is_own(origin, request, secure));
        self.is_named(headers, more) || is_own()
    }

    fn is_listed(&self, origin: &str) -> bool {
        self.0.iter().any(|listed| listed == origin)
    }
}

/// The origin, when one is said and only one.
fn only(headers: &HeaderMap) -> Option<&str> {
    let mut origins = headers.get_all(ORIGIN).into_iter();
    let first = origins.next()?;
    if origins.next().is_some() { None } else { first.to_str().ok() }
}

/// Whether the page came from the host that it calls.
fn is_own<B>(origin: &str, request: &Request<B>, secure: bool) -> bool {
    let Ok(origin) = origin.parse::<Uri>() else { return false };
    if secure && origin.scheme_str() != Some("https") {
        return false;
    }
    let Some(of_page) = origin.authority() else { return false };
    let target = request.uri().authority().cloned().or_else(|| host(request.headers()));
    target.is_some_and(|target| same(of_page, &target))
}

fn host(headers: &HeaderMap) -> Option<Authority> {
    headers.get(HOST).map(HeaderValue::as_bytes).and_then(|host| Authority::try_from(host).ok())
}

/// A port that goes without saying may have been said.
fn same(page: &Authority, target: &Authority) -> bool {
    let port = |authority: &Authority| authority.port_u16().filter(|port| !matches!(port, 80 | 443));
    page.host().eq_ignore_ascii_case(target.host()) && port(page) == port(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(origin: &[&str], host: &str) -> bool {
        may_over(origin, host, false)
    }

    fn may_over(origin: &[&str], host: &str, secure: bool) -> bool {
        let origins = Origins::new(&["https://shop.example".to_owned()], "https://api.example");
        let mut request = Request::new(());
        request.headers_mut().insert(HOST, host.parse().unwrap());
        for origin in origin {
            request.headers_mut().append(ORIGIN, origin.parse().unwrap());
        }
        origins.may(&request, secure)
    }

    #[test]
    fn a_page_may_when_it_is_listed_or_from_the_same_host() {
        assert!(may(&[], "gateway:8080"), "no browser");
        assert!(may(&["https://shop.example"], "gateway:8080"));
        assert!(
            may(&["https://api.example"], "gateway:8080"),
            "the address under which the platform is reached"
        );
        assert!(may(&["http://localhost:8080"], "localhost:8080"));
        assert!(may(&["https://Own.example"], "own.example:443"));
    }

    #[test]
    fn over_https_a_page_that_came_in_the_clear_may_not() {
        assert!(may_over(&["https://own.example"], "own.example", true));
        assert!(!may_over(&["http://own.example"], "own.example", true));
        assert!(may_over(&["https://shop.example"], "own.example", true));
    }

    #[test]
    fn no_other_page_may() {
        for origin in [
            "https://evil.example",
            "http://shop.example",
            "https://shop.example.evil.example",
            "null",
            "",
            "x",
        ] {
            assert!(!may(&[origin], "gateway:8080"), "{origin}");
        }
        assert!(!may(&["http://localhost:3000"], "localhost:8080"), "another port is another page");
        assert!(!may(&["https://shop.example", "https://evil.example"], "gateway:8080"));
    }
}

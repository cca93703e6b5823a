//! Whether a request that a browser authenticated by itself, with a cookie, was meant by the person.
//!
//! A page of any site can have a browser send a request with the cookies of this host. What the page cannot do is say that
//! it is another page: `Sec-Fetch-Site` and `Origin` are the browser's own words. So a changing request that counts because of
//! a cookie has to say where it comes from; one that says nothing is refused. A request with a token or a key in a header is
//! not looked at: no browser adds those by itself.

use crate::origin::Origins;
use http::{HeaderMap, HeaderName, Request};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Whether the request may change something. `secure` says whether it came over HTTPS.
pub(crate) fn is_meant<B>(request: &Request<B>, secure: bool, origins: &Origins, listed: &[String]) -> bool {
    if request.method().is_safe() {
        return true;
    }
    match only(request.headers(), &SEC_FETCH_SITE) {
        // A page of the same origin, or no page at all: the person typed it.
        Sent::Once(b"same-origin" | b"none") => true,
        // The browser says that it is another site's. That one may be allowed by name, not by looking like this one.
        Sent::Once(_) => origins.is_named(request.headers(), listed),
        Sent::Never => origins.is_own_or_named(request, secure, listed),
        Sent::Often => false,
    }
}

enum Sent<'a> {
    Never,
    Once(&'a [u8]),
    Often,
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Sent<'a> {
    let mut all = headers.get_all(name).iter();
    match (all.next(), all.next()) {
        (None, _) => Sent::Never,
        (Some(value), None) => Sent::Once(value.as_bytes()),
        (Some(_), Some(_)) => Sent::Often,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    fn meant(method: Method, headers: &[(&'static str, &str)]) -> bool {
        let origins = Origins::new(&["https://shop.example".to_owned()], "https://api.example");
        let mut request = Request::new(());
        *request.method_mut() = method;
        request.headers_mut().insert("host", "api.example".parse().unwrap());
        for (name, value) in headers {
            request.headers_mut().append(*name, value.parse().unwrap());
        }
        is_meant(&request, true, &origins, &["https://partner.example".to_owned()])
    }

    #[test]
    fn a_changing_request_has_to_say_that_it_comes_from_here() {
        assert!(meant(Method::POST, &[("sec-fetch-site", "same-origin")]));
        assert!(meant(Method::POST, &[("sec-fetch-site", "none")]));
        assert!(meant(Method::POST, &[("origin", "https://api.example")]));
        assert!(meant(
            Method::DELETE,
            &[("origin", "https://shop.example"), ("sec-fetch-site", "same-site")]
        ));
        assert!(meant(
            Method::DELETE,
            &[("origin", "https://partner.example"), ("sec-fetch-site", "cross-site")]
        ));
    }

    #[test]
    fn one_of_another_site_and_one_that_says_nothing_are_refused() {
        for headers in [
            &[][..],
            &[("origin", "null")],
            &[("origin", "http://api.example")],
            &[("origin", "https://evil.example")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "cross-site"), ("origin", "http://api.example")],
            &[("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://api.example"), ("origin", "https://evil.example")],
        ] {
            assert!(!meant(Method::POST, headers), "{headers:?}");
        }
    }

    #[test]
    fn reading_needs_no_word() {
        assert!(meant(Method::GET, &[("sec-fetch-site", "cross-site")]));
        assert!(meant(Method::HEAD, &[]));
    }
}

//! Which headers pass the door. Hop-by-hop ones end here (RFC 9110, section 7.6.1), and nobody outside may speak with
//! the headers by which the inside speaks.

use chassis::http::{X_BUSY, X_REQUEST_TIMEOUT_MS, X_RETRIES_SPENT, X_SERVICE_AUTHORIZATION};
use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, COOKIE, EXPECT, Entry, FORWARDED, HOST, HeaderMap, HeaderName,
    HeaderValue, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::uri::Authority;

const HOP_BY_HOP: [HeaderName; 9] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Prefixes of headers that only the inside sets. A client that sends them claims to be somebody.
const INSIDE: [&str; 7] =
    ["x-user-", "x-auth-", "x-internal-", "x-organization-role", "x-forwarded-", "x-real-ip", "x-mirrored"];

pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Prepares the headers of a request for the service behind. `authority` is that of the request's target, by which
/// HTTP/2 says what HTTP/1.1 says with `Host`.
pub(crate) fn inbound(headers: &mut HeaderMap, authority: Option<&Authority>) {
    hop_by_hop(headers);
    let claimed: Vec<HeaderName> = headers.keys().filter(|name| is_inside(name.as_str())).cloned().collect();
    for name in claimed {
        headers.remove(name);
    }
    // The door's own connection answers an expectation, and its CORS answers for an origin.
    for name in [X_SERVICE_AUTHORIZATION, X_REQUEST_TIMEOUT_MS, FORWARDED, EXPECT, ORIGIN] {
        headers.remove(name);
    }
    let host = headers.remove(HOST);
    let target = authority.and_then(|authority| HeaderValue::from_str(authority.as_str()).ok());
    if let Some(host) = target.or(host) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    join_cookies(headers);
}

fn is_inside(name: &str) -> bool {
    if name.contains('_') {
        // Servers that hand headers on as variables (CGI, WSGI) read `x_user_id` as `x-user-id`.
        let name = name.replace('_', "-");
        return is_inside(&name) || HeaderName::try_from(name).is_ok_and(|name| is_decisive(&name));
    }
    name.starts_with("x-") && INSIDE.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a header decides where a message ends, or who speaks.
fn is_decisive(name: &HeaderName) -> bool {
    const ALSO: [HeaderName; 7] = [
        AUTHORIZATION,
        CONTENT_LENGTH,
        COOKIE,
        FORWARDED,
        HOST,
        X_REQUEST_TIMEOUT_MS,
        X_SERVICE_AUTHORIZATION,
    ];
    HOP_BY_HOP.contains(name) || ALSO.contains(name)
}

/// HTTP/2 may split the cookies over several lines, HTTP/1.1 may not (RFC 9113, section 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let Entry::Occupied(entry) = headers.entry(COOKIE) else { return };
    if entry.iter().nth(1).is_none() {
        return;
    }
    let lines: Vec<&[u8]> = entry.iter().map(HeaderValue::as_bytes).collect();
    if let Ok(mut joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..])) {
        joined.set_sensitive(true);
        headers.insert(COOKIE, joined);
    }
}

/// Prepares the headers of an answer for the client.
pub(crate) fn outbound(headers: &mut HeaderMap) {
    hop_by_hop(headers);
    // What services tell each other about calls is nothing to a client.
    headers.remove(X_RETRIES_SPENT);
    headers.remove(X_BUSY);
}

fn hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let lines = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
        let named: Vec<HeaderName> =
            lines.flat_map(|line| line.split(',')).filter_map(|name| name.trim().parse().ok()).collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_connection_names_ends_here() {
        let mut headers = HeaderMap::new();
        headers.insert(CONNECTION, HeaderValue::from_static("close, X-Hop"));
        headers.insert("x-hop", HeaderValue::from_static("1"));
        headers.insert("x-end", HeaderValue::from_static("1"));
        outbound(&mut headers);
        assert_eq!(headers.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["x-end"]);
    }

    #[test]
    fn every_line_of_connection_counts() {
        let mut headers = HeaderMap::new();
        headers.append(CONNECTION, HeaderValue::from_static("keep-alive"));
        headers.append(CONNECTION, HeaderValue::from_static("x-second"));
        headers.insert("x-second", HeaderValue::from_static("1"));
        outbound(&mut headers);
        assert!(headers.is_empty(), "{headers:?}");
    }

    #[test]
    fn the_target_of_http_2_stands_for_the_host() {
        let mut headers = HeaderMap::new();
        inbound(&mut headers, Some(&Authority::from_static("shop.example")));
        assert_eq!(headers.get(X_FORWARDED_HOST).unwrap(), "shop.example");
    }

    #[test]
    fn cookies_that_http_2_split_are_one_line_again() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1"));
        headers.append(COOKIE, HeaderValue::from_static("b=2"));
        inbound(&mut headers, None);
        assert_eq!(headers.get_all(COOKIE).iter().collect::<Vec<_>>(), ["a=1; b=2"]);
    }
}

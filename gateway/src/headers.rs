//! Which headers pass the door. Hop-by-hop ones end here (RFC 9110, section 7.6.1), and nobody outside may speak with
//! the headers by which the inside speaks.

use chassis::http::{RequestContext, X_FORWARDED_FOR, X_REQUEST_TIMEOUT_MS, X_SERVICE_AUTHORIZATION};
use http::header::{
    CONNECTION, HOST, HeaderMap, HeaderName, HeaderValue, ORIGIN, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION,
    TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};

const HOP_BY_HOP: [HeaderName; 8] = [
    CONNECTION,
    HeaderName::from_static("keep-alive"),
    PROXY_AUTHENTICATE,
    PROXY_AUTHORIZATION,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// Prefixes of headers that only the inside sets. A client that sends them claims to be somebody.
const INSIDE: [&str; 5] = ["x-user-", "x-auth-", "x-internal-", "x-organization-role", "x-forwarded-"];

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Prepares the headers of a request for the service behind.
pub(crate) fn inbound(headers: &mut HeaderMap, context: &RequestContext) {
    hop_by_hop(headers);
    let claimed: Vec<HeaderName> = headers
        .keys()
        .filter(|name| INSIDE.iter().any(|prefix| name.as_str().starts_with(prefix)))
        .cloned()
        .collect();
    for name in claimed {
        headers.remove(name);
    }
    headers.remove(X_SERVICE_AUTHORIZATION);
    headers.remove(X_REQUEST_TIMEOUT_MS);
    // The door answers for cross-origin requests; a second answer would make the headers double.
    headers.remove(ORIGIN);
    if let Some(host) = headers.remove(HOST) {
        headers.insert(X_FORWARDED_HOST, host);
    }
    if let Ok(client) = HeaderValue::try_from(context.client_ip.to_string()) {
        headers.insert(X_FORWARDED_FOR, client);
    }
}

/// Prepares the headers of an answer for the client.
pub(crate) fn outbound(headers: &mut HeaderMap) {
    hop_by_hop(headers);
}

fn hop_by_hop(headers: &mut HeaderMap) {
    if let Some(named) = headers.get(CONNECTION).and_then(|value| value.to_str().ok()).map(str::to_owned) {
        for name in named.split(',').map(str::trim) {
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
}

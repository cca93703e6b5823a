//! The two halves of a WebSocket handshake (RFC 6455, section 4), as far as they decide whether bytes are let through.
//!
//! Past a 101 the door does not read HTTP any more. Were it to take something for an accepted handshake that is none, the
//! next bytes of a client would reach the service as requests that no rule of the door has seen. So only what is exactly a
//! handshake is passed on as one, and only the answer to exactly that handshake opens the connection.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chassis::error::ApiError;
use contract::ErrorCode;
use http::header::{
    CONNECTION, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{Method, Request, Version};

const WEBSOCKET: &str = "websocket";
const VERSION: &str = "13";
/// What the key is hashed with: by it a server shows that it knows what it accepts (section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// What a request asks of its connection.
#[derive(Debug)]
pub(super) enum Asked {
    /// Nothing that the door takes up: the answer is an ordinary one.
    Nothing,
    /// To become a WebSocket, if the answer shows this.
    WebSocket(Accept),
}

/// What the answer to a handshake must have as `Sec-WebSocket-Accept`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Accept(String);

/// Reads what a request asks for.
///
/// # Errors
/// When it asks for a WebSocket and is not the handshake of one.
pub(super) fn asked(request: &Request<Body>) -> Result<Asked, ApiError> {
    let headers = request.headers();
    // In HTTP/1.0 the header means nothing, and HTTP/2 has none (RFC 9110, section 7.8).
    if request.version() != Version::HTTP_11 || !lists(headers, &CONNECTION, "upgrade") {
        return Ok(Asked::Nothing);
    }
    if !lists(headers, &UPGRADE, WEBSOCKET) {
        // Another protocol, such as h2c, is not taken up, which is an answer too (section 7.8): a client goes on in HTTP/1.1.
        return Ok(Asked::Nothing);
    }
    if tokens(headers, &UPGRADE).count() != 1 {
        return Err(refused("Upgrade must name websocket and nothing else."));
    }
    if request.method() != Method::GET {
        return Err(refused("The handshake of a WebSocket is a GET."));
    }
    let empty = |value: &HeaderValue| value.as_bytes() == b"0";
    if headers.contains_key(TRANSFER_ENCODING) || !headers.get_all(CONTENT_LENGTH).iter().all(empty) {
        return Err(refused("The handshake of a WebSocket has no body."));
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(VERSION) {
        return Err(refused("Sec-WebSocket-Version must be 13."));
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).filter(|key| is_key(key));
    let key = key.ok_or_else(|| refused("Sec-WebSocket-Key must be 16 bytes in base64, once."))?;
    Ok(Asked::WebSocket(Accept::of(key)))
}

fn refused(message: &'static str) -> ApiError {
    let version = HeaderValue::from_static(VERSION);
    ApiError::new(ErrorCode::Validation, message).header(SEC_WEBSOCKET_VERSION, version)
}

impl Accept {
    fn of(key: &str) -> Self {
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat());
        Self(STANDARD.encode(hash))
    }

    /// Whether an answer with status 101 is the answer to this handshake.
    pub(super) fn is_shown_by(&self, headers: &HeaderMap) -> bool {
        lists(headers, &CONNECTION, "upgrade")
            && tokens(headers, &UPGRADE).count() == 1
            && lists(headers, &UPGRADE, WEBSOCKET)
            && only(headers, &SEC_WEBSOCKET_ACCEPT) == Some(self.0.as_str())
    }
}

/// Puts back the headers of an upgrade, which end at the door as all that concern one connection, for the next one.
pub(super) fn mark(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
    // Neither half has a body, whatever was said of its length.
    headers.remove(CONTENT_LENGTH);
    headers.remove(TRANSFER_ENCODING);
}

fn is_key(key: &str) -> bool {
    STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16)
}

/// The tokens of all lines of a header.
fn tokens<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    // A line that is no text names nothing, and must not hide that there is one.
    let lines = headers.get_all(name).into_iter().map(|line| line.to_str().unwrap_or("?"));
    lines.flat_map(|line| line.split(',')).map(str::trim).filter(|token| !token.is_empty())
}

fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    tokens(headers, name).any(|listed| listed.eq_ignore_ascii_case(token))
}

/// The value of a header that is there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut lines = headers.get_all(name).into_iter();
    match (lines.next(), lines.next()) {
        (Some(line), None) => line.to_str().ok().map(str::trim),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HANDSHAKE: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    /// The handshake with these headers in place of its own, or beside them.
    fn with(changed: &[(&str, &str)]) -> Request<Body> {
        let mut request = Request::new(Body::empty());
        let own = HANDSHAKE.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
        for (name, value) in own.chain(changed).filter(|(_, value)| !value.is_empty()) {
            request.headers_mut().append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
        }
        request
    }

    #[test]
    fn the_example_of_the_standard_is_a_handshake() {
        let Ok(Asked::WebSocket(accept)) = asked(&with(&[])) else { panic!("not taken up") };
        assert_eq!(accept.0, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn what_asks_for_something_else_is_an_ordinary_request() {
        for changed in [
            &[("connection", "keep-alive")][..],
            &[("connection", "")],
            &[("upgrade", "")],
            &[("upgrade", "h2c")],
            &[("upgrade", "TLS/1.0")],
            &[("upgrade", "websocket/13")],
        ] {
            assert!(matches!(asked(&with(changed)), Ok(Asked::Nothing)), "{changed:?}");
        }
        for version in [Version::HTTP_10, Version::HTTP_2] {
            let mut request = with(&[]);
            *request.version_mut() = version;
            assert!(matches!(asked(&request), Ok(Asked::Nothing)), "{version:?}");
        }
    }

    #[test]
    fn what_is_nearly_a_handshake_is_refused() {
        for changed in [
            &[("upgrade", "websocket, h2c")][..],
            &[("upgrade", "h2c"), ("upgrade", "websocket")],
            &[("sec-websocket-version", "")],
            &[("sec-websocket-version", "8")],
            &[("sec-websocket-version", "13"), ("sec-websocket-version", "13")],
            &[("sec-websocket-version", "13, 8")],
            &[("sec-websocket-key", "")],
            &[("sec-websocket-key", "short")],
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZSBpcyBsb25n")],
            &[("sec-websocket-key", HANDSHAKE[3].1), ("sec-websocket-key", HANDSHAKE[3].1)],
            &[("content-length", "5")],
            &[("transfer-encoding", "chunked")],
        ] {
            assert!(asked(&with(changed)).is_err(), "{changed:?}");
        }
        for method in [Method::POST, Method::HEAD, Method::CONNECT, Method::OPTIONS] {
            let mut request = with(&[]);
            *request.method_mut() = method.clone();
            assert!(asked(&request).is_err(), "{method}");
        }
    }

    #[test]
    fn only_the_answer_to_this_very_handshake_opens_it() {
        let answer = |changed: &[(&str, &str)]| {
            let own = [
                ("connection", "Upgrade"),
                ("upgrade", "websocket"),
                ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
            ];
            let own = own.iter().filter(|(name, _)| !changed.iter().any(|(other, _)| other == name));
            let mut headers = HeaderMap::new();
            for (name, value) in own.chain(changed).filter(|(_, value)| !value.is_empty()) {
                headers.append(name.parse::<HeaderName>().unwrap(), value.parse().unwrap());
            }
            Accept::of(HANDSHAKE[3].1).is_shown_by(&headers)
        };
        assert!(answer(&[]));
        for changed in [
            [("connection", "keep-alive")],
            [("upgrade", "")],
            [("upgrade", "h2c")],
            [("upgrade", "websocket, h2c")],
            [("sec-websocket-accept", "")],
            [("sec-websocket-accept", "AAAAAAAAAAAAAAAAAAAAAAAAAAA=")],
        ] {
            assert!(!answer(&changed), "{changed:?}");
        }
    }
}

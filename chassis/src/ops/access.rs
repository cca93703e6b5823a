//! Who may change something through the operations listener.

use super::answer::Refusal;
use crate::config::Mode;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, HOST};
use contract::error::ErrorCode;
use secrecy::{ExposeSecret as _, SecretString};
use std::net::IpAddr;

/// The rule for changes, decided when the listener is served.
pub(super) enum Access {
    /// Whoever shows this token.
    Token(SecretString),
    /// Development without a token: whoever is on this machine.
    ThisMachine,
    /// Production without a token: nobody.
    Nobody,
}

impl Access {
    pub(super) fn new(token: Option<SecretString>, mode: Mode) -> Self {
        match (token, mode) {
            (Some(token), _) => Self::Token(token),
            (None, Mode::Development) => Self::ThisMachine,
            (None, Mode::Production) => Self::Nobody,
        }
    }

    /// Whether this request may change something.
    pub(super) fn check(&self, headers: &HeaderMap, peer: IpAddr) -> Result<(), Refusal> {
        match self {
            Self::Token(token) => {
                let shown = bearer(headers).unwrap_or_default();
                verify_slices_are_equal(shown.as_bytes(), token.expose_secret().as_bytes()).map_err(|_| {
                    Refusal::new(ErrorCode::Unauthenticated, "Changes need the operations token (ops.token).")
                })
            }
            // A page in a browser on this machine can reach this port under a name of its own: the name gives it away.
            Self::ThisMachine if peer.to_canonical().is_loopback() && names_this_machine(headers) => Ok(()),
            Self::ThisMachine => Err(Refusal::new(
                ErrorCode::Forbidden,
                "Without a token (ops.token), changes are possible from this machine only.",
            )),
            Self::Nobody => Err(Refusal::new(
                ErrorCode::Forbidden,
                "Changes are off: production needs a token for them (ops.token).",
            )),
        }
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn names_this_machine(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(HOST).and_then(|host| host.to_str().ok()) else { return false };
    let Ok(authority) = host.parse::<axum::http::uri::Authority>() else { return false };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: &str = "127.0.0.1";

    fn may(access: &Access, lines: &[(&'static str, &str)], peer: &str) -> Result<(), ErrorCode> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.insert(*name, value.parse().unwrap());
        }
        access.check(&headers, peer.parse().unwrap()).map_err(|refusal| refusal.code())
    }

    #[test]
    fn a_token_is_needed_where_one_is_set_also_from_this_machine() {
        let access = Access::new(Some("right".into()), Mode::Development);
        assert_eq!(may(&access, &[("authorization", "Bearer right")], "10.0.0.1"), Ok(()));
        for shown in ["Bearer wrong", "Bearer right ", "Basic right", "right", "Bearer"] {
            let lines = [("authorization", shown), ("host", "localhost")];
            assert_eq!(may(&access, &lines, HERE), Err(ErrorCode::Unauthenticated), "{shown}");
        }
        assert_eq!(may(&access, &[], HERE), Err(ErrorCode::Unauthenticated));
    }

    #[test]
    fn without_a_token_only_this_machine_changes_in_development() {
        let access = Access::new(None, Mode::Development);
        for (host, peer) in
            [("localhost:9090", HERE), ("127.0.0.1:9090", "::ffff:127.0.0.1"), ("[::1]:9090", "::1")]
        {
            assert_eq!(may(&access, &[("host", host)], peer), Ok(()), "{host} {peer}");
        }
        for (host, peer) in [("localhost", "10.0.0.1"), ("evil.example:9090", HERE), ("10.0.0.1", HERE)] {
            assert_eq!(may(&access, &[("host", host)], peer), Err(ErrorCode::Forbidden), "{host} {peer}");
        }
    }

    #[test]
    fn without_a_token_nobody_changes_in_production() {
        let access = Access::new(None, Mode::Production);
        assert_eq!(may(&access, &[("host", "localhost")], HERE), Err(ErrorCode::Forbidden));
    }
}

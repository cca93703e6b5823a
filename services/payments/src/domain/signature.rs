//! Signatures of webhooks, as Stripe makes them and the sandbox too: `t=<seconds>,v1=<hex>`, where `v1` is the HMAC-SHA256
//! of `<seconds>.<body>` under a shared secret. A header may have several `v1` while a secret is being replaced.

use aws_lc_rs::hmac;
use chassis::clock::Ts;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// Why a signature does not hold. Never says what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// There is none.
    #[error("there is no signature")]
    Missing,
    /// It cannot be read.
    #[error("the signature cannot be read")]
    Malformed,
    /// It was made for something else, or with another secret.
    #[error("the signature does not belong to this body")]
    Wrong,
    /// It was made too long ago, or in the future.
    #[error("the signature is too old or too new")]
    Stale,
}

/// Signs a body.
#[must_use]
pub fn sign(secret: &SecretString, body: &[u8], now: Ts) -> String {
    let secs = now.secs();
    let tag = hmac::sign(&key(secret), &signed(secs, body));
    format!("t={secs},v1={}", hex::encode(tag))
}

/// Whether `header` signs `body`, made within `tolerance` of now. The comparison takes the same time wherever it differs.
///
/// # Errors
/// See [`BadSignature`].
pub fn verify(
    secret: &SecretString,
    header: Option<&str>,
    body: &[u8],
    now: Ts,
    tolerance: Duration,
) -> Result<(), BadSignature> {
    let header = header.ok_or(BadSignature::Missing)?;
    let (mut secs, mut signatures) = (None, Vec::new());
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", text)) => secs = Some(text.parse::<i64>().map_err(|_| BadSignature::Malformed)?),
            Some(("v1", text)) => signatures.extend(hex::decode(text).ok()),
            // Other schemes than v1 are passed over, as Stripe demands.
            _ => {}
        }
    }
    let secs = secs.ok_or(BadSignature::Malformed)?;
    if signatures.is_empty() {
        return Err(BadSignature::Malformed);
    }
    let (key, signed) = (key(secret), signed(secs, body));
    // Compares in constant time.
    if !signatures.iter().any(|signature| hmac::verify(&key, &signed, signature).is_ok()) {
        return Err(BadSignature::Wrong);
    }
    let made = Ts::from_secs(secs);
    let apart = now.since(made).max(made.since(now));
    if apart > tolerance { Err(BadSignature::Stale) } else { Ok(()) }
}

fn key(secret: &SecretString) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, secret.expose_secret().as_bytes())
}

fn signed(secs: i64, body: &[u8]) -> Vec<u8> {
    [secs.to_string().as_bytes(), b".", body].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOLERANCE: Duration = Duration::from_secs(300);

    fn secret() -> SecretString {
        SecretString::from("whsec_test")
    }

    fn check(header: &str, body: &[u8], secs: i64) -> Result<(), BadSignature> {
        verify(&secret(), Some(header), body, Ts::from_secs(secs), TOLERANCE)
    }

    #[test]
    fn the_signature_is_the_one_that_stripe_documents() {
        // HMAC-SHA256("whsec_test", "1700000000.{}"), made with openssl.
        let made = sign(&secret(), b"{}", Ts::from_secs(1_700_000_000));
        assert_eq!(made, "t=1700000000,v1=35495024f4ef3f94e5a93e22221544c4b75e9a42300cd965ab81cb85cd994e91");
    }

    #[test]
    fn a_signature_holds_for_its_body_and_its_time_only() {
        let header = sign(&secret(), b"body", Ts::from_secs(1_000));
        assert_eq!(check(&header, b"body", 1_300), Ok(()));
        assert_eq!(check(&header, b"body", 700), Ok(()));
        assert_eq!(check(&header, b"body", 1_301), Err(BadSignature::Stale));
        assert_eq!(check(&header, b"body", 699), Err(BadSignature::Stale));
        assert_eq!(check(&header, b"Body", 1_000), Err(BadSignature::Wrong));
        let later = header.replacen("t=1000", "t=1001", 1);
        assert_eq!(check(&later, b"body", 1_000), Err(BadSignature::Wrong));
        let another =
            verify(&"other".to_owned().into(), Some(&header), b"body", Ts::from_secs(1_000), TOLERANCE);
        assert_eq!(another, Err(BadSignature::Wrong));
        assert_eq!(verify(&secret(), None, b"", Ts::from_secs(0), TOLERANCE), Err(BadSignature::Missing));
    }

    #[test]
    fn one_of_several_signatures_is_enough_while_a_secret_is_replaced() {
        let header = sign(&secret(), b"body", Ts::from_secs(1_000));
        let (time, own) = header.split_once(',').unwrap();
        assert_eq!(check(&format!("{time},v1=00ff,{own},v0=abc"), b"body", 1_000), Ok(()));
        assert_eq!(check(time, b"body", 1_000), Err(BadSignature::Malformed));
        assert_eq!(check(own, b"body", 1_000), Err(BadSignature::Malformed));
    }

    proptest! {
        #[test]
        fn no_header_makes_it_panic_or_hold(header in ".*", body: Vec<u8>) {
            prop_assert!(check(&header, &body, 0).is_err());
        }

        #[test]
        fn what_is_signed_holds(body: Vec<u8>, secs in 0_i64..4_000_000_000) {
            let header = sign(&secret(), &body, Ts::from_secs(secs));
            prop_assert_eq!(check(&header, &body, secs), Ok(()));
        }
    }
}

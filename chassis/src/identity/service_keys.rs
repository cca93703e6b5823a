//! Credentials of services: short-lived tokens signed with a shared secret, of which two versions hold during a rotation.
//!
//! Rotation in three rounds over all processes, because one that does not know the new secret refuses what it signed:
//! first add the new secret as `identity.service_key_previous` (it is accepted), then swap the two (it signs), then drop
//! the old one. A credential names the version that it was signed with.

use super::IdentityConfig;
use crate::clock::{Clock, Ts};
use crate::http::X_SERVICE_AUTHORIZATION;
use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::RwLock;
use std::time::Duration;

/// How long a credential holds.
const LIFETIME: Duration = Duration::from_secs(300);
/// A credential is signed anew when this much of it is left.
const RENEW: Duration = Duration::from_secs(120);
/// Difference between clocks that is forgiven.
const LEEWAY: Duration = Duration::from_secs(30);

#[derive(Debug, Serialize, Deserialize)]
struct ServiceClaims {
    iss: String,
    aud: String,
    iat: i64,
    exp: i64,
}

struct Version {
    kid: String,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Credentials that are still fresh, and until when they hold, by who sends them to whom.
type Issued = HashMap<(&'static str, &'static str), (HeaderValue, Ts)>;

/// Signs and verifies the credentials of services.
pub struct ServiceKeys {
    current: Version,
    previous: Option<Version>,
    issued: RwLock<Issued>,
    verified: Cache<[u8; 32], (Box<str>, Box<str>, Ts)>,
}

impl ServiceKeys {
    /// From the current secret and the settings' previous one.
    #[must_use]
    pub fn new(current: &SecretString, config: &IdentityConfig) -> Self {
        Self {
            current: Version::of(current),
            previous: config.service_key_previous.as_ref().map(Version::of),
            issued: RwLock::default(),
            verified: Cache::new(1_000),
        }
    }

    /// The header value by which `from` proves itself to `to`.
    ///
    /// # Errors
    /// When it cannot be signed, which is a defect.
    pub fn credential(
        &self,
        from: &'static str,
        to: &'static str,
        clock: &Clock,
    ) -> anyhow::Result<HeaderValue> {
        let now = clock.now();
        let key = (from, to);
        let fresh = |until: &Ts| now + RENEW < *until;
        {
            let issued = self.issued.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((value, _)) = issued.get(&key).filter(|(_, until)| fresh(until)) {
                return Ok(value.clone());
            }
        }
        let until = now + LIFETIME;
        let claims =
            ServiceClaims { iss: from.to_owned(), aud: to.to_owned(), iat: now.secs(), exp: until.secs() };
        let header = Header { kid: Some(self.current.kid.clone()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims, &self.current.encoding)?;
        let mut value = HeaderValue::try_from(token)?;
        value.set_sensitive(true);
        let mut issued = self.issued.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        issued.insert(key, (value.clone(), until));
        Ok(value)
    }

    /// The service that a request proves to come from; none without a credential for `me` that holds.
    #[must_use]
    pub fn caller(&self, headers: &HeaderMap, me: &str, clock: &Clock) -> Option<Box<str>> {
        let token = headers.get(X_SERVICE_AUTHORIZATION)?.to_str().ok()?;
        let now = clock.now();
        let hash: [u8; 32] = digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()?;
        let (from, to, until) = match self.verified.get(&hash) {
            Some(known) => known,
            None => {
                let claims = self.decode(token)?;
                let known = (claims.iss.into(), claims.aud.into(), Ts::from_secs(claims.exp));
                self.verified.insert(hash, known.clone());
                known
            }
        };
        (&*to == me && now < until + LEEWAY).then_some(from)
    }

    fn decode(&self, token: &str) -> Option<ServiceClaims> {
        let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
        let version =
            std::iter::once(&self.current).chain(&self.previous).find(|version| version.kid == kid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        // Audience and time are checked by the caller, also for credentials that are remembered.
        validation.validate_aud = false;
        validation.validate_exp = false;
        jsonwebtoken::decode(token, &version.decoding, &validation).ok().map(|decoded| decoded.claims)
    }
}

impl Version {
    fn of(secret: &SecretString) -> Self {
        let bytes = secret.expose_secret().as_bytes();
        let hash = digest(&SHA256, &[b"bowline service key version\0", bytes].concat());
        let kid = hash.as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        Self { kid, encoding: EncodingKey::from_secret(bytes), decoding: DecodingKey::from_secret(bytes) }
    }
}

impl std::fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ServiceKeys").field("current", &self.current.kid).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(current: &str, previous: Option<&str>) -> ServiceKeys {
        let secret = |text: &str| SecretString::from(text.to_owned());
        let config =
            IdentityConfig { service_key_previous: previous.map(secret), ..IdentityConfig::default() };
        ServiceKeys::new(&secret(current), &config)
    }

    fn headers(value: HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(X_SERVICE_AUTHORIZATION, value)])
    }

    #[test]
    fn a_credential_holds_for_one_service_only() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let keys = keys("a", None);
        let sent = headers(keys.credential("gateway", "auth", &clock).unwrap());
        assert_eq!(keys.caller(&sent, "auth", &clock).as_deref(), Some("gateway"));
        assert_eq!(keys.caller(&sent, "orders", &clock), None);
    }

    #[test]
    fn during_a_rotation_both_versions_hold() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let (old, new) = (keys("old", None), keys("new", Some("old")));
        let by_old = headers(old.credential("gateway", "auth", &clock).unwrap());
        assert!(new.caller(&by_old, "auth", &clock).is_some());
        let after = keys("new", None);
        assert!(after.caller(&by_old, "auth", &clock).is_none());
    }

    #[test]
    fn a_credential_ends() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let keys = keys("a", None);
        let sent = headers(keys.credential("gateway", "auth", &clock).unwrap());
        clock.advance(LIFETIME + LEEWAY);
        assert!(keys.caller(&sent, "auth", &clock).is_none());
    }

    #[test]
    fn what_somebody_else_signed_does_not_count() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let sent = headers(keys("theirs", None).credential("gateway", "auth", &clock).unwrap());
        assert!(keys("ours", None).caller(&sent, "auth", &clock).is_none());
    }
}

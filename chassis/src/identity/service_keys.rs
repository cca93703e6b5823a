//! Credentials of services: short-lived tokens signed with a shared secret, of which several versions hold during a rotation.
//!
//! A process that does not know a secret refuses what was signed with it. So a secret that is found while the process runs is
//! accepted at once and signs only after a wait, when every process has found it; the one before is accepted until what it
//! signed last has ended everywhere. A credential names the version that it was signed with.
//!
//! With restarts it takes three rounds over all processes: first add the new secret as `identity.service_key_previous` (it
//! is accepted), then swap the two (it signs), then drop the old one.

use super::IdentityConfig;
use crate::clock::{Clock, Ts};
use crate::http::X_SERVICE_AUTHORIZATION;
use anyhow::Context as _;
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use http::{HeaderMap, HeaderValue};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use moka::sync::Cache;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
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
    kid: Kid,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

/// Credentials that are still fresh, until when they hold and what signed them, by who sends them to whom.
type Issued = HashMap<(&'static str, &'static str), (HeaderValue, Ts, Kid)>;

/// From whom to whom a credential is, until when, and what signed it.
type Verified = (Box<str>, Box<str>, Ts, Kid);

/// What a version is called: the same for the same secret, in every process.
type Kid = Arc<str>;

/// A version that was the current one, or is or will be.
#[derive(Clone)]
struct Known {
    version: Arc<Version>,
    /// From when on it signs, unless a later one does.
    signs_from: Ts,
    /// Until when it is accepted; of the newest there is no end.
    until: Option<Ts>,
}

/// The versions that hold, the newest last. There is always one.
struct Versions {
    known: Vec<Known>,
    previous: Option<Arc<Version>>,
}

impl Versions {
    fn signer(&self, now: Ts) -> Option<&Arc<Version>> {
        let signing = self.known.iter().rev().find(|known| known.signs_from <= now);
        signing.or(self.known.last()).map(|known| &known.version)
    }

    fn accepted(&self, kid: &str, now: Ts) -> Option<&Arc<Version>> {
        let holding = self.known.iter().filter(|known| known.until.is_none_or(|until| now < until));
        holding.map(|known| &known.version).chain(&self.previous).find(|version| &*version.kid == kid)
    }
}

/// Signs and verifies the credentials of services.
pub struct ServiceKeys {
    versions: ArcSwap<Versions>,
    wait: Duration,
    issued: RwLock<Issued>,
    verified: Cache<[u8; 32], Verified>,
}

impl ServiceKeys {
    /// From the current secret and the settings' previous one.
    #[must_use]
    pub fn new(current: &SecretString, config: &IdentityConfig) -> Self {
        Self {
            versions: ArcSwap::from_pointee(Versions {
                known: vec![Known {
                    version: Version::of(current),
                    signs_from: Ts::from_secs(0),
                    until: None,
                }],
                previous: config.service_key_previous.as_ref().map(Version::of),
            }),
            wait: config.service_key_wait(),
            issued: RwLock::default(),
            verified: Cache::new(1_000),
        }
    }

    /// Takes over secrets that were read again, and says whether the current one is another.
    ///
    /// The new one is accepted from now on and signs after `identity.service_key_wait_secs`. Those before are accepted until
    /// what a process signed with them that found the new one as late as allowed has ended.
    pub fn take_over(&self, current: &SecretString, previous: Option<&SecretString>, clock: &Clock) -> bool {
        let (new, previous) = (Version::of(current), previous.map(Version::of));
        let before = self.versions.load();
        let kid = |version: Option<&Arc<Version>>| version.map(|version| version.kid.clone());
        let changed = kid(before.known.last().map(|known| &known.version)) != Some(new.kid.clone());
        if !changed && kid(previous.as_ref()) == kid(before.previous.as_ref()) {
            return false;
        }
        let mut known = before.known.clone();
        if changed {
            let now = clock.now();
            let end = now + self.wait + self.wait + LIFETIME + LEEWAY;
            // One that comes back signs as it did.
            let signs_from =
                known.iter().find(|known| known.version.kid == new.kid).map(|known| known.signs_from);
            known.retain(|known| known.version.kid != new.kid && known.until.is_none_or(|until| now < until));
            known.iter_mut().for_each(|known| known.until = Some(known.until.unwrap_or(end)));
            let signs_from = signs_from.unwrap_or(now + self.wait);
            known.push(Known { version: new, signs_from, until: None });
        }
        self.versions.store(Arc::new(Versions { known, previous }));
        changed
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
        let versions = self.versions.load();
        let signer = versions.signer(now).context("there is no service key")?;
        let fresh = |until: &Ts, by: &Kid| now + RENEW < *until && *by == signer.kid;
        {
            let issued = self.issued.read().unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some((value, ..)) = issued.get(&key).filter(|(_, until, by)| fresh(until, by)) {
                return Ok(value.clone());
            }
        }
        let until = now + LIFETIME;
        let claims =
            ServiceClaims { iss: from.to_owned(), aud: to.to_owned(), iat: now.secs(), exp: until.secs() };
        let header = Header { kid: Some(signer.kid.to_string()), ..Header::new(Algorithm::HS256) };
        let token = jsonwebtoken::encode(&header, &claims, &signer.encoding)?;
        let mut value = HeaderValue::try_from(token)?;
        value.set_sensitive(true);
        let mut issued = self.issued.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        issued.insert(key, (value.clone(), until, signer.kid.clone()));
        Ok(value)
    }

    /// The service that a request proves to come from; none without a credential for `me` that holds.
    #[must_use]
    pub fn caller(&self, headers: &HeaderMap, me: &str, clock: &Clock) -> Option<Box<str>> {
        let token = headers.get(X_SERVICE_AUTHORIZATION)?.to_str().ok()?;
        let now = clock.now();
        let hash: [u8; 32] = digest(&SHA256, token.as_bytes()).as_ref().try_into().ok()?;
        let versions = self.versions.load();
        let (from, to, until, _) = match self.verified.get(&hash) {
            // What a secret signed that no longer holds does not count, whatever time it claims.
            Some(known) => versions.accepted(&known.3, now).map(|_| known)?,
            None => {
                let (claims, by) = decode(&versions, token, now)?;
                let known = (claims.iss.into(), claims.aud.into(), Ts::from_secs(claims.exp), by);
                self.verified.insert(hash, known.clone());
                known
            }
        };
        (&*to == me && now < until + LEEWAY).then_some(from)
    }
}

fn decode(versions: &Versions, token: &str, now: Ts) -> Option<(ServiceClaims, Kid)> {
    let kid = jsonwebtoken::decode_header(token).ok()?.kid?;
    let version = versions.accepted(&kid, now)?;
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_required_spec_claims(&["exp", "iss", "aud"]);
    // Audience and time are checked by the caller, also for credentials that are remembered.
    validation.validate_aud = false;
    validation.validate_exp = false;
    let decoded = jsonwebtoken::decode(token, &version.decoding, &validation).ok()?;
    Some((decoded.claims, version.kid.clone()))
}

impl Version {
    fn of(secret: &SecretString) -> Arc<Self> {
        let bytes = secret.expose_secret().as_bytes();
        let hash = digest(&SHA256, &[b"bowline service key version\0", bytes].concat());
        let kid = hex::encode(&hash.as_ref()[..8]).into();
        Arc::new(Self {
            kid,
            encoding: EncodingKey::from_secret(bytes),
            decoding: DecodingKey::from_secret(bytes),
        })
    }
}

impl std::fmt::Debug for ServiceKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let versions = self.versions.load();
        let newest = versions.known.last().map(|known| &known.version.kid);
        f.debug_struct("ServiceKeys").field("newest", &newest).finish_non_exhaustive()
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

    const WAIT: Duration = Duration::from_secs(120);

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    fn holds(by: &ServiceKeys, at: &ServiceKeys, clock: &Clock) -> bool {
        at.caller(&headers(by.credential("gateway", "auth", clock).unwrap()), "auth", clock).is_some()
    }

    #[test]
    fn processes_that_find_a_new_secret_one_after_another_never_refuse_each_other() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let (one, other, restarted) = (keys("old", None), keys("old", None), keys("new", Some("old")));
        assert!(one.take_over(&secret("new"), None, &clock));
        for second in 0..1_200 {
            assert!(holds(&one, &other, &clock) && holds(&other, &one, &clock), "after {second} s");
            if second == WAIT.as_secs() - 1 {
                assert!(other.take_over(&secret("new"), None, &clock));
            }
            assert!(holds(&one, &restarted, &clock), "after {second} s");
            assert!(!one.take_over(&secret("new"), None, &clock), "nothing is new any more");
            clock.advance(Duration::from_secs(1));
        }
        assert!(!holds(&keys("old", None), &one, &clock), "the old one has ended");
        assert!(holds(&one, &keys("new", None), &clock), "the new one signs");
    }

    #[test]
    fn what_the_old_secret_signed_for_a_long_time_ends_with_it() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let one = keys("old", None);
        let far = ServiceClaims { iss: "eve".into(), aud: "auth".into(), iat: 0, exp: 1_000_000 };
        let old = Version::of(&secret("old"));
        let header = Header { kid: Some(old.kid.to_string()), ..Header::new(Algorithm::HS256) };
        let forged = jsonwebtoken::encode(&header, &far, &old.encoding).unwrap();
        let sent = headers(HeaderValue::try_from(forged).unwrap());
        one.take_over(&secret("new"), None, &clock);
        assert!(one.caller(&sent, "auth", &clock).is_some());
        clock.advance(WAIT + WAIT + LIFETIME + LEEWAY);
        assert!(one.caller(&sent, "auth", &clock).is_none(), "though it was verified before");
    }

    #[test]
    fn a_secret_that_comes_back_signs_as_it_did() {
        let clock = Clock::manual(Ts::from_secs(1_000));
        let (one, other) = (keys("old", None), keys("old", None));
        one.take_over(&secret("new"), None, &clock);
        clock.advance(Duration::from_secs(10));
        one.take_over(&secret("old"), None, &clock);
        for _ in 0..1_200 {
            assert!(holds(&one, &other, &clock) && holds(&other, &one, &clock));
            clock.advance(Duration::from_secs(1));
        }
    }
}

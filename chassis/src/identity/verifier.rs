//! Verifies access tokens: signature with a pinned algorithm, issuer, audience, times, and that nothing was revoked.
//!
//! A verified token is remembered until it ends, by the SHA-256 of its text; revocations are asked on every request, so
//! remembering never delays them. Nothing here waits: keys and revocations are brought by [`super::follow`].

use super::{IdentityConfig, Principal};
use crate::clock::{Clock, Ts};
use crate::error::ApiError;
use anyhow::anyhow;
use arc_swap::ArcSwap;
use aws_lc_rs::digest::{SHA256, digest};
use contract::ErrorCode;
use contract::auth::{Jwks, Revocation, Revoked};
use contract::identity::Claims;
use contract::ids::{SessionId, UserId};
use http::HeaderValue;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;
use tokio::sync::broadcast;

/// Ends that who listens may be behind by; who is further behind looks at everything again.
const BEHIND: usize = 256;

/// Something that was good and is not any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Sessions or rights ended early.
    Revoked(Revoked),
    /// A key was taken back: what it has signed does not verify any more.
    Key,
}

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, or not of now.
    #[error("the access token does not verify")]
    Invalid,
    /// It was ours and has ended.
    #[error("the access token has expired")]
    Expired,
    /// The session or the rights ended early.
    #[error("the access token was revoked")]
    Revoked,
    /// Nobody can tell: no word from the auth service for too long.
    #[error("tokens cannot be verified now")]
    Stale,
}

impl From<TokenError> for ApiError {
    #[track_caller]
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid => {
                Self::new(ErrorCode::Unauthenticated, "The access token does not verify. Log in.")
            }
            TokenError::Expired => {
                Self::new(ErrorCode::TokenExpired, "The access token has expired. Refresh it.")
            }
            TokenError::Revoked => {
                Self::new(ErrorCode::TokenRevoked, "This session has ended. Log in again.")
            }
            TokenError::Stale => Self::unavailable(anyhow!(error), Duration::from_secs(1)),
        }
    }
}

/// The keys that verify, by their ids.
type Keys = HashMap<String, DecodingKey>;

/// Verifies access tokens for one process.
#[derive(Debug)]
pub struct Verifier {
    keys: ArcSwap<Keys>,
    validation: Validation,
    verified: Cache<[u8; 32], Principal>,
    revoked: RwLock<Revocations>,
    revoked_count: AtomicUsize,
    heard: AtomicI64,
    ended: broadcast::Sender<Ended>,
    max_stale: Duration,
    leeway: Duration,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Revocations {
    sessions: HashMap<SessionId, i64>,
    users: HashMap<UserId, (i64, i64)>,
}

impl Verifier {
    /// A verifier that knows no keys yet and refuses with [`TokenError::Stale`] until it has heard some.
    #[must_use]
    pub fn new(config: &IdentityConfig, clock: Clock) -> Self {
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&config.issuer]);
        validation.set_audience(&[&config.audience]);
        validation.set_required_spec_claims(&["exp", "nbf", "iss", "aud", "sub"]);
        // Times are checked here, against the clock that was handed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Self {
            keys: ArcSwap::default(),
            validation,
            verified: Cache::new(config.token_cache),
            revoked: RwLock::default(),
            revoked_count: AtomicUsize::new(0),
            heard: AtomicI64::new(i64::MIN),
            ended: broadcast::channel(BEHIND).0,
            max_stale: config.max_stale(),
            leeway: Duration::from_secs(config.leeway_secs),
            clock,
        }
    }

    /// Verifies the `Authorization` header of a request.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify_header(&self, header: &HeaderValue) -> Result<Principal, TokenError> {
        let text = header.to_str().map_err(|_| TokenError::Invalid)?;
        let (scheme, token) = text.split_once(' ').ok_or(TokenError::Invalid)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(TokenError::Invalid);
        }
        self.verify(token.trim())
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(&self, token: &str) -> Result<Principal, TokenError> {
        let now = self.clock.now();
        if self.is_stale(now) {
            return Err(TokenError::Stale);
        }
        let hash = digest(&SHA256, token.as_bytes());
        let key: [u8; 32] = hash.as_ref().try_into().map_err(|_| TokenError::Invalid)?;
        let principal = match self.verified.get(&key) {
            Some(principal) => principal,
            None => {
                let keys = self.keys.load_full();
                let principal = self.decode(token, &keys, now)?;
                self.verified.insert(key, principal.clone());
                if !Arc::ptr_eq(&keys, &self.keys.load()) {
                    // The keys changed meanwhile: the one that signed it may be gone, and what was remembered by it
                    // may have been forgotten before this was remembered.
                    self.verified.invalidate(&key);
                }
                principal
            }
        };
        self.holds(&principal)?;
        Ok(principal)
    }

    /// Whether a token that was verified still counts, for what is kept open after the request that brought it. What cannot
    /// be heard of now is not guessed: without news from the auth service it counts until its end.
    ///
    /// # Errors
    /// [`TokenError::Expired`] or [`TokenError::Revoked`].
    pub fn holds(&self, principal: &Principal) -> Result<(), TokenError> {
        if principal.expires() + self.leeway <= self.clock.now() {
            return Err(TokenError::Expired);
        }
        if self.is_revoked(principal) { Err(TokenError::Revoked) } else { Ok(()) }
    }

    /// The same for what is told to somebody who stays connected: while nobody can tell whether it counts, it does not. It
    /// does not see that the token's key was taken back: [`Verifier::ended`] tells of that.
    ///
    /// # Errors
    /// Why it does not count any more, or [`TokenError::Stale`].
    pub fn still_holds(&self, principal: &Principal) -> Result<(), TokenError> {
        if self.is_stale(self.clock.now()) {
            return Err(TokenError::Stale);
        }
        self.holds(principal)
    }

    /// Tells of what ends from now on, after it has ended for the next token.
    #[must_use]
    pub fn ended(&self) -> broadcast::Receiver<Ended> {
        self.ended.subscribe()
    }

    /// How long a token is good after its end, for the difference between clocks.
    #[must_use]
    pub fn leeway(&self) -> Duration {
        self.leeway
    }

    fn decode(&self, token: &str, keys: &Keys, now: Ts) -> Result<Principal, TokenError> {
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Invalid)?;
        let key = header.kid.as_ref().and_then(|kid| keys.get(kid)).ok_or(TokenError::Invalid)?;
        let decoded =
            jsonwebtoken::decode::<Claims>(token, key, &self.validation).map_err(|_| TokenError::Invalid)?;
        let claims = decoded.claims;
        if Ts::from_secs(claims.exp) + self.leeway <= now {
            return Err(TokenError::Expired);
        }
        if Ts::from_secs(claims.nbf) > now + self.leeway {
            return Err(TokenError::Invalid);
        }
        Ok(Principal::new(claims))
    }

    fn is_revoked(&self, principal: &Principal) -> bool {
        if self.revoked_count.load(Ordering::Acquire) == 0 {
            return false;
        }
        let ended = self.revoked.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        ended.sessions.contains_key(&principal.session())
            || ended.users.get(&principal.user()).is_some_and(|(version, _)| principal.version() < *version)
    }

    fn is_stale(&self, now: Ts) -> bool {
        let heard = self.heard.load(Ordering::Acquire);
        heard == i64::MIN || now.since(Ts::from_micros(heard)) > self.max_stale
    }

    /// Whether tokens can be verified now; the text says why not.
    ///
    /// # Errors
    /// When there are no keys, or no news for too long.
    pub fn check(&self) -> Result<(), String> {
        if self.is_stale(self.clock.now()) {
            return Err("no word from the auth service".to_owned());
        }
        if self.keys.load().is_empty() { Err("no signing keys".to_owned()) } else { Ok(()) }
    }

    /// Takes over a new key set. Keys of another type or curve are left out.
    pub fn set_keys(&self, jwks: &Jwks) {
        let mut keys = HashMap::with_capacity(jwks.keys.len());
        for jwk in
            jwks.keys.iter().filter(|jwk| jwk.kty == "OKP" && jwk.crv == "Ed25519" && jwk.alg == "EdDSA")
        {
            match DecodingKey::from_ed_components(&jwk.x) {
                Ok(key) => drop(keys.insert(jwk.kid.clone(), key)),
                Err(error) => tracing::warn!(kid = jwk.kid, %error, "a key of the key set cannot be used"),
            }
        }
        // What a key that is gone has signed must not be remembered as good.
        let removed = self.keys.load().keys().any(|kid| !keys.contains_key(kid));
        self.keys.store(keys.into());
        if removed {
            self.verified.invalidate_all();
            // Nobody may listen.
            drop(self.ended.send(Ended::Key));
        }
    }

    /// Takes over a revocation; it holds for the next request.
    pub fn revoke(&self, revocation: &Revocation) {
        let mut ended = self.revoked.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        match revocation.revoked {
            Revoked::Session { session } => drop(ended.sessions.insert(session, revocation.until)),
            Revoked::User { user, version } => {
                let entry = ended.users.entry(user).or_insert((version, revocation.until));
                *entry = (entry.0.max(version), entry.1.max(revocation.until));
            }
        }
        self.revoked_count.store(ended.sessions.len() + ended.users.len(), Ordering::Release);
        drop(ended);
        drop(self.ended.send(Ended::Revoked(revocation.revoked)));
    }

    /// Notes that the feed answered, and forgets revocations that no token can need any more.
    pub fn heard_now(&self) {
        let now = self.clock.now();
        self.heard.store(now.micros(), Ordering::Release);
        let horizon = now.secs() - i64::try_from(self.leeway.as_secs()).unwrap_or(0);
        let mut ended = self.revoked.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        ended.sessions.retain(|_, until| *until >= horizon);
        ended.users.retain(|_, (_, until)| *until >= horizon);
        self.revoked_count.store(ended.sessions.len() + ended.users.len(), Ordering::Release);
    }
}

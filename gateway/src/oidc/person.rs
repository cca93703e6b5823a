//! A person as a provider vouches for them, and the tokens by which it does.
//!
//! What must hold: the algorithm is that of the key, never that of the token; issuer, audience and times are checked on every
//! token; and what a provider calls a role is one here only where the file says so.

use super::keys;
use super::provider::{Known, Provider};
use super::spec::RolesSpec;
use aws_lc_rs::digest::{SHA256, digest};
use chassis::clock::Ts;
use contract::identity::Role;
use jsonwebtoken::{Algorithm, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// The longest token that is looked at.
const LONGEST: usize = 16 * 1_024;
/// Letters of a subject at most (OpenID Connect Core, section 2).
const LONGEST_SUBJECT: usize = 255;
/// Difference between clocks that is forgiven.
const LEEWAY: Duration = Duration::from_secs(30);

/// A person of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Person {
    pub(crate) provider: Arc<str>,
    pub(crate) subject: String,
    pub(crate) roles: Vec<Role>,
    pub(crate) scopes: Vec<String>,
    /// Until when that is so.
    pub(crate) expires: Ts,
}

impl Person {
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| one == scope)
    }

    /// Whether what the provider said of them does not count any more.
    pub(crate) fn is_over(&self, now: Ts) -> bool {
        self.expires + LEEWAY <= now
    }
}

/// Why a token does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenFault {
    /// Not a token of this provider, for this gateway, of now.
    #[error("the token does not verify")]
    Invalid,
    /// It has ended.
    #[error("the token has expired")]
    Expired,
    /// Nobody can tell.
    #[error("the provider cannot be asked")]
    Away(#[source] anyhow::Error),
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    azp: Option<String>,
    scope: Option<Value>,
    scp: Option<Value>,
    /// All of them, these too: any may say what somebody is here.
    #[serde(skip)]
    all: Map<String, Value>,
}

impl Claims {
    fn of(all: Map<String, Value>) -> Result<Self, serde_json::Error> {
        Ok(Self { all: all.clone(), ..serde_json::from_value(all.into())? })
    }
}

impl Provider {
    /// Whose access token this is, if it is good now.
    ///
    /// # Errors
    /// Why it does not count.
    pub(crate) async fn verify(self: &Arc<Self>, token: &str) -> Result<Arc<Person>, TokenFault> {
        let now = self.clock.now();
        let key: [u8; 32] =
            digest(&SHA256, token.as_bytes()).as_ref().try_into().map_err(|_| TokenFault::Invalid)?;
        if let Some(person) = self.held().and_then(|known| known.verified.get(&key)) {
            return if person.is_over(now) { Err(TokenFault::Expired) } else { Ok(person) };
        }
        let (claims, known) = self.claims(token, self.spec.audience(), now).await?;
        let person = Arc::new(self.person(claims)?);
        known.verified.insert(key, Arc::clone(&person));
        Ok(person)
    }

    /// Whose login this is: an identity token for this client, made for this one login.
    pub(super) async fn verify_login(
        self: &Arc<Self>,
        token: &str,
        nonce: &str,
    ) -> Result<Person, TokenFault> {
        let client = &self.spec.client_id;
        let (claims, _) = self.claims(token, client, self.clock.now()).await?;
        if claims.nonce.as_deref() != Some(nonce) || claims.azp.as_ref().is_some_and(|azp| azp != client) {
            return Err(TokenFault::Invalid);
        }
        self.person(claims)
    }

    /// What a token says, and by which keys it does.
    async fn claims(
        self: &Arc<Self>,
        token: &str,
        audience: &str,
        now: Ts,
    ) -> Result<(Claims, Arc<Known>), TokenFault> {
        if token.len() > LONGEST {
            return Err(TokenFault::Invalid);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenFault::Invalid)?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA) {
            return Err(TokenFault::Invalid);
        }
        let kid = header.kid.as_deref();
        let known = self.with_key(kid, header.alg).await.map_err(TokenFault::Away)?;
        let known = known.ok_or(TokenFault::Invalid)?;
        let key = keys::find(&known.keys, kid, header.alg).ok_or(TokenFault::Invalid)?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.spec.issuer]);
        validation.set_audience(&[audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked here, against the clock that was handed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let decoded = jsonwebtoken::decode(token, &key.key, &validation);
        let claims = Claims::of(decoded.map_err(|_| TokenFault::Invalid)?.claims);
        let claims = claims.map_err(|_| TokenFault::Invalid)?;
        if seconds(claims.exp)? + LEEWAY <= now {
            return Err(TokenFault::Expired);
        }
        match claims.nbf.map(seconds).transpose()? {
            Some(from) if from > now + LEEWAY => Err(TokenFault::Invalid),
            _ => Ok((claims, known)),
        }
    }

    fn person(&self, claims: Claims) -> Result<Person, TokenFault> {
        // It is told to upstreams in a header.
        let fine = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
        let subject = claims.sub.trim();
        let whole = !subject.is_empty() && subject.len() == claims.sub.len();
        if !whole || subject.len() > LONGEST_SUBJECT || !subject.bytes().all(fine) {
            return Err(TokenFault::Invalid);
        }
        Ok(Person {
            provider: Arc::clone(&self.name),
            expires: seconds(claims.exp)?,
            roles: roles(&self.spec.roles, &claims.all),
            scopes: words(claims.scope.as_ref().or(claims.scp.as_ref())),
            subject: claims.sub,
        })
    }
}

/// A time as tokens say it: seconds since 1970, perhaps with a fraction.
fn seconds(secs: f64) -> Result<Ts, TokenFault> {
    // The year 9999, and nothing that is no number.
    if !(0.0..253_402_300_800.0).contains(&secs) {
        return Err(TokenFault::Invalid);
    }
    #[expect(
        clippy::cast_possible_truncation,
        reason = "it is within bounds, and a fraction of a second does not matter"
    )]
    Ok(Ts::from_secs(secs as i64))
}

/// What a claim's values are here.
fn roles(spec: &RolesSpec, claims: &Map<String, Value>) -> Vec<Role> {
    let mut names = spec.claim.split('.');
    let first = names.next().and_then(|name| claims.get(name));
    let found = names.try_fold(first, |value, name| value.map(|value| value.get(name))).flatten();
    // The name as a whole may have dots, as a URL has.
    let found = found.or_else(|| claims.get(&spec.claim));
    let mut roles: Vec<Role> = words(found).iter().filter_map(|word| spec.map.get(word).copied()).collect();
    roles.sort_unstable();
    roles.dedup();
    roles
}

/// A list of texts, or one text of several words.
pub(super) fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_ascii_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_role_is_one_only_where_it_is_named() {
        let of = |claim: &str, claims: Value| {
            let map = [("admins".to_owned(), Role::Admin), ("sellers".to_owned(), Role::Vendor)];
            let spec = RolesSpec { claim: claim.to_owned(), map: map.into() };
            roles(&spec, claims.as_object().unwrap())
        };
        assert_eq!(of("groups", json!({"groups": ["admins", "admin", "admins"]})), [Role::Admin]);
        assert_eq!(of("realm.roles", json!({"realm": {"roles": ["sellers"]}})), [Role::Vendor]);
        assert_eq!(of("https://x.example/r", json!({"https://x.example/r": "sellers"})), [Role::Vendor]);
        assert_eq!(of("groups", json!({"roles": ["admins"], "groups": {"a": "admins"}})), []);
        assert_eq!(of("a.b", json!({"a": "admins"})), []);
    }

    #[test]
    fn a_claim_that_is_read_for_something_else_may_say_what_somebody_is() {
        let claims = json!({"sub": "admins", "exp": 1, "scope": "sellers openid", "groups": "none"});
        let claims = Claims::of(claims.as_object().unwrap().clone()).unwrap();
        assert_eq!((&*claims.sub, claims.nbf), ("admins", None));
        let of = |claim: &str| {
            let map = [("admins".to_owned(), Role::Admin), ("sellers".to_owned(), Role::Vendor)];
            roles(&RolesSpec { claim: claim.to_owned(), map: map.into() }, &claims.all)
        };
        assert_eq!((of("sub"), of("scope"), of("groups")), (vec![Role::Admin], vec![Role::Vendor], vec![]));
    }
}

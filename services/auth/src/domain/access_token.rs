//! Access tokens: signed claims that any verifier checks by itself (RFC 7519, RFC 9068), for a quarter of an hour.

use crate::domain::sealed::SealBroken;
use crate::domain::signing_key::SigningKey;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Ts;
use contract::auth::Token;
use contract::identity::{Claims, Membership, Role};
use contract::ids::{SessionId, UserId};
use serde::Serialize;
use std::time::Duration;
use uuid::Uuid;

/// What all tokens have in common.
#[derive(Debug, Clone)]
pub struct Issue {
    /// Who issues them.
    pub issuer: String,
    /// Whom they are for.
    pub audience: String,
    /// How long they hold, unless their session ends before.
    pub lifetime: Duration,
}

/// Whose token it is and what it lets them do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// The person.
    pub user: UserId,
    /// The session.
    pub session: SessionId,
    /// Version of the account's rights.
    pub version: i64,
    /// Roles on the platform.
    pub roles: Vec<Role>,
    /// Memberships in organisations.
    pub memberships: Vec<Membership>,
    /// Whether the address was proved.
    pub verified: bool,
    /// When the session ends if nobody uses it: no token of it holds longer.
    pub session_ends: Ts,
}

/// The token could not be made: a defect, never the caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum MintingFailed {
    /// The claims could not be written.
    #[error("the claims cannot be written: {0}")]
    Claims(#[from] serde_json::Error),
    /// The cipher library refused.
    #[error("the token cannot be signed")]
    Signature(#[from] SealBroken),
}

/// The protected header. Verifiers take this algorithm and no other.
#[derive(Serialize)]
struct Header<'a> {
    alg: &'static str,
    typ: &'static str,
    kid: &'a str,
}

impl Issue {
    /// How long a token holds that is issued now.
    #[must_use]
    pub fn holds(&self, subject: &Subject, now: Ts) -> Duration {
        self.lifetime.min(subject.session_ends.since(now))
    }

    /// The claims of a token that is issued now.
    #[must_use]
    pub fn claims(&self, subject: Subject, now: Ts) -> Claims {
        let holds = self.holds(&subject, now);
        let Subject { user, session, version, roles, memberships, verified, .. } = subject;
        Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: user,
            sid: session,
            jti: Uuid::now_v7(),
            iat: now.secs(),
            nbf: now.secs(),
            exp: (now + holds).secs(),
            ver: version,
            roles,
            orgs: memberships,
            verified,
        }
    }

    /// A signed token.
    ///
    /// # Errors
    /// [`MintingFailed`] when the signature cannot be made.
    pub fn mint(&self, subject: Subject, key: &SigningKey, now: Ts) -> Result<Token, MintingFailed> {
        let header = Header { alg: "EdDSA", typ: "at+jwt", kid: key.kid() };
        let part = |json: Vec<u8>| URL_SAFE_NO_PAD.encode(json);
        let claims = self.claims(subject, now);
        let message =
            format!("{}.{}", part(serde_json::to_vec(&header)?), part(serde_json::to_vec(&claims)?));
        let signature = key.sign(message.as_bytes())?;
        Ok(Token::new(format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::identity::OrganizationRole;
    use contract::ids::OrganizationId;
    use jsonwebtoken::{Algorithm, DecodingKey, Validation};

    fn issue() -> Issue {
        Issue {
            issuer: "https://id.example.org".to_owned(),
            audience: "bowline".to_owned(),
            lifetime: Duration::from_secs(900),
        }
    }

    fn subject() -> Subject {
        Subject {
            user: UserId::new(),
            session: SessionId::new(),
            version: 3,
            roles: vec![Role::User, Role::Admin],
            memberships: vec![Membership { id: OrganizationId::new(), role: OrganizationRole::Owner }],
            verified: true,
            session_ends: Ts::from_secs(2_000_000),
        }
    }

    fn decode(token: &Token, key: &SigningKey) -> Result<Claims, jsonwebtoken::errors::Error> {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_audience(&["bowline"]);
        rules.set_issuer(&["https://id.example.org"]);
        rules.validate_exp = false;
        let key = DecodingKey::from_ed_components(&URL_SAFE_NO_PAD.encode(key.public()))?;
        jsonwebtoken::decode(token.expose(), &key, &rules).map(|data| data.claims)
    }

    #[test]
    fn an_independent_verifier_reads_the_claims_that_were_put_in() {
        let (key, subject, now) = (SigningKey::generate().unwrap(), subject(), Ts::from_secs(1_000_000));
        let claims = decode(&issue().mint(subject.clone(), &key, now).unwrap(), &key).unwrap();
        assert_eq!((claims.sub, claims.sid, claims.ver), (subject.user, subject.session, 3));
        assert_eq!((claims.iat, claims.nbf, claims.exp), (1_000_000, 1_000_000, 1_000_900));
        assert_eq!((claims.roles, claims.orgs), (subject.roles, subject.memberships));
        assert!(claims.verified);
    }

    #[test]
    fn a_token_of_another_key_does_not_verify() {
        let token = issue().mint(subject(), &SigningKey::generate().unwrap(), Ts::from_secs(0)).unwrap();
        assert!(decode(&token, &SigningKey::generate().unwrap()).is_err());
    }

    #[test]
    fn the_header_names_the_key_and_the_kind_of_token() {
        let key = SigningKey::generate().unwrap();
        let token = issue().mint(subject(), &key, Ts::from_secs(0)).unwrap();
        let header = jsonwebtoken::decode_header(token.expose()).unwrap();
        assert_eq!((header.alg, header.kid.as_deref()), (Algorithm::EdDSA, Some(key.kid())));
        assert_eq!(header.typ.as_deref(), Some("at+jwt"));
    }

    #[test]
    fn no_token_outlives_its_session() {
        let claims = issue().claims(subject(), Ts::from_secs(1_999_999));
        assert_eq!(claims.exp, 2_000_000);
    }

    #[test]
    fn every_token_has_its_own_identifier() {
        let now = Ts::from_secs(0);
        assert_ne!(issue().claims(subject(), now).jti, issue().claims(subject(), now).jti);
    }
}

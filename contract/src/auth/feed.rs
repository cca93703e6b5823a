//! The feed that every verifier follows: which keys sign, and which sessions and rights ended early.
//!
//! `GET /internal/v1/auth/feed?after=<cursor>&keys=<version>&wait=<seconds>` answers at once when something is newer
//! than the cursor or the key version, otherwise it waits that long. So a revocation reaches a verifier in the time of
//! one message, and a verifier that cannot reach the feed knows that it may be out of date.

use crate::ids::{SessionId, UserId};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a verifier stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedQuery {
    /// The cursor of the last answer; 0 asks for everything that still holds.
    #[garde(range(min = 0))]
    #[serde(default)]
    pub after: i64,
    /// The key version of the last answer; empty asks for the keys. Made of letters, digits, `-` and `_`.
    #[garde(length(max = 64))]
    #[serde(default)]
    pub keys: String,
    /// Seconds to wait for news, 30 at most.
    #[garde(range(max = 30))]
    #[serde(default)]
    pub wait: u64,
}

/// What is new.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Feed {
    /// Ask for what comes after this next time.
    pub cursor: i64,
    /// Revocations since, oldest first.
    pub revocations: Vec<Revocation>,
    /// Whether there are more than fitted; ask again at once, from the cursor.
    #[serde(default)]
    pub more: bool,
    /// Version of the key set now.
    pub keys_version: String,
    /// The key set, when it is not the version that was asked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keys: Option<Jwks>,
}

/// What was revoked, and until when anybody needs to remember it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Revocation {
    /// What no longer holds.
    #[serde(flatten)]
    pub revoked: Revoked,
    /// Seconds since 1970: every token that it could concern has expired by then.
    pub until: i64,
}

/// What no longer holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", tag = "kind")]
pub enum Revoked {
    /// All tokens of one session.
    Session {
        /// The session.
        session: SessionId,
    },
    /// All tokens of a person whose rights are of an older version.
    User {
        /// The person.
        user: UserId,
        /// The oldest version that still holds.
        version: i64,
    },
}

/// A JSON Web Key Set (RFC 7517) of Ed25519 keys (RFC 8037).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwks {
    /// The keys, the signing one and those that still verify.
    pub keys: Vec<Jwk>,
}

/// One public key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Jwk {
    /// Key type, always `OKP`.
    pub kty: String,
    /// Curve, always `Ed25519`.
    pub crv: String,
    /// Key id, as in a token's header.
    pub kid: String,
    /// Algorithm, always `EdDSA`.
    pub alg: String,
    /// Use, always `sig`.
    #[serde(rename = "use")]
    pub use_: String,
    /// The public key, base64url without padding.
    pub x: String,
}

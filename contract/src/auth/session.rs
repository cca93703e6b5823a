//! Sessions and the tokens that belong to them.

use super::account::User;
use super::secret::{Password, Token};
use super::valid;
use crate::ids::SessionId;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// `POST /api/v1/auth/login`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Login {
    /// Address of the account.
    #[garde(custom(valid::email))]
    #[schema(format = Email, example = "ada@example.org")]
    pub email: String,
    /// Its password.
    #[garde(custom(valid::known_password))]
    pub password: Password,
    /// What this device is called in the list of sessions; otherwise its `User-Agent`.
    #[garde(inner(length(chars, max = 100), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada's laptop")]
    pub device: Option<String>,
}

/// `POST /api/v1/auth/refresh`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refresh {
    /// The refresh token of the last answer. The answer replaces it.
    #[garde(custom(valid::token))]
    pub refresh_token: Token,
}

/// How the access token is sent: `Authorization: Bearer <token>` (RFC 6750).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub enum TokenType {
    /// The only one.
    #[default]
    Bearer,
}

/// A pair of tokens.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tokens {
    /// Proves who asks, for a short time.
    pub access_token: Token,
    /// Gets the next pair, once.
    pub refresh_token: Token,
    /// How the access token is sent.
    pub token_type: TokenType,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// Answer of a registration and of a login.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Grant {
    /// Whose tokens they are.
    pub user: User,
    /// The tokens.
    #[serde(flatten)]
    pub tokens: Tokens,
}

/// One login on one device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Session {
    /// Its identifier.
    pub id: SessionId,
    /// What the device is called.
    pub device: String,
    /// The address that it was last used from.
    pub ip: Option<String>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it last got tokens.
    #[serde(with = "time::serde::rfc3339")]
    pub last_used_at: OffsetDateTime,
    /// When it ends if it is not used before.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
    /// Whether this request belongs to it.
    pub current: bool,
}

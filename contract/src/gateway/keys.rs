//! API keys as an administrator makes and sees them. The secret itself is told once, when it is made.

use crate::auth::Token;
use crate::ids::{ApiKeyId, UserId};
use crate::page::usual_limit;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// A day: how long the secret before is good after a rotation, unless something else is said.
const USUAL_GRACE_SECS: u64 = 86_400;

/// A key of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKey {
    /// Its identifier.
    pub id: ApiKeyId,
    /// What it is for.
    pub name: String,
    /// What every secret of it begins with, by which one that is found somewhere is known again.
    pub prefix: String,
    /// Who answers for it.
    pub owner: UserId,
    /// What it may.
    pub scopes: Vec<String>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Who made it.
    pub created_by: UserId,
    /// When it ends; absent for one that goes on.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
    /// When it last got a new secret.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub rotated_at: Option<OffsetDateTime>,
    /// Until when the secret before that is good.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub previous_until: Option<OffsetDateTime>,
    /// When it was taken back.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<OffsetDateTime>,
    /// Who took it back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_by: Option<UserId>,
    /// When it was last used, to about a minute.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<OffsetDateTime>,
}

/// A key and its secret, which nobody is told again.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiKeyWithSecret {
    /// The key.
    pub key: ApiKey,
    /// What a program sends in `X-Api-Key`.
    pub secret: Token,
}

/// `POST /api/v1/gateway/keys`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateApiKey {
    /// What it is for.
    #[garde(length(chars, min = 1, max = 100), custom(line))]
    pub name: String,
    /// Who answers for it; who asks, when nobody is named.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// What it may, such as `orders:read`. A route that asks for scopes lets in a key that has them all.
    #[garde(length(max = 50), inner(custom(scope)))]
    #[serde(default)]
    pub scopes: Vec<String>,
    /// When it ends.
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<OffsetDateTime>,
}

/// `POST /api/v1/gateway/keys/{id}/rotate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateApiKey {
    /// Seconds for which the secret that it has now stays good beside the new one, 30 days at most; 0 ends it at once.
    #[garde(range(max = 2_592_000))]
    #[serde(default = "usual_grace")]
    #[schema(maximum = 2_592_000, default = 86_400)]
    pub grace_secs: u64,
}

/// The query of `GET /api/v1/gateway/keys`: the last made first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListApiKeys {
    /// Only those that this person answers for.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserId>,
    /// Only those that are good, or only those that were taken back or have ended.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// The cursor of the page before; absent for the first page.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

const fn usual_grace() -> u64 {
    USUAL_GRACE_SECS
}

/// One line: not blank, and without control characters.
fn line(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() || value.chars().any(char::is_control) {
        return Err(garde::Error::new("must be one line that is not blank, without control characters"));
    }
    Ok(())
}

/// What a scope looks like.
pub const SCOPE: &str =
    "must be 1 to 64 visible ASCII characters without quotes and backslashes, such as orders:read";

/// Whether a text is a scope (RFC 6749, section 3.3).
#[must_use]
pub fn is_scope(text: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (1..=64).contains(&text.len()) && text.bytes().all(fine)
}

fn scope(value: &str, _: &()) -> garde::Result {
    if is_scope(value) { Ok(()) } else { Err(garde::Error::new(SCOPE)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_and_a_scope_one_word() {
        let of = |name: &str, scope: &str| {
            let key = CreateApiKey {
                name: name.to_owned(),
                owner: None,
                scopes: vec![scope.to_owned()],
                expires_at: None,
            };
            key.validate().is_ok()
        };
        assert!(of("The till in Bern", "orders:read"));
        for (name, scope) in [("", "a"), ("two\nlines", "a"), ("a", "two words"), ("a", ""), ("a", "\"")] {
            assert!(!of(name, scope), "{name:?} {scope:?}");
        }
    }
}

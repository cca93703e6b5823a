//! Accounts: making one, its profile, its password and its proved address.

use super::secret::{Password, Token};
use super::valid;
use crate::identity::Role;
use crate::ids::UserId;
use garde::Validate;
use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// `POST /api/v1/auth/register`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Register {
    /// Address of the account; it is compared without regard to case.
    #[garde(custom(valid::email))]
    #[schema(format = Email, example = "ada@example.org")]
    pub email: String,
    /// At least 8 characters, and not one that is easily guessed.
    #[garde(custom(valid::new_password))]
    pub password: Password,
    /// What others see.
    #[garde(inner(length(chars, max = 80), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ada Lovelace")]
    pub display_name: Option<String>,
    /// What this device is called in the list of sessions.
    #[garde(inner(length(chars, max = 100), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device: Option<String>,
}

/// `GET /internal/v1/auth/contacts/{user}`: how a person is reached, for services that write to them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Contact {
    /// The address.
    pub email: String,
    /// Whether it was proved.
    pub verified: bool,
    /// What others see, if anything.
    pub display_name: Option<String>,
    /// Whether the account is in use: not disabled.
    pub active: bool,
}

/// Whether an account may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// In use.
    Active,
    /// Shut by an administrator: no login, no refresh, and its tokens are revoked.
    Disabled,
}

impl UserStatus {
    /// The text on the wire and in a store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }

    /// The value of a text; `None` for any other.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Active, Self::Disabled].into_iter().find(|status| status.as_str() == text)
    }
}

/// An account as its owner and an administrator see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct User {
    /// Its identifier.
    pub id: UserId,
    /// Its address, in lower case.
    pub email: String,
    /// Whether the address was proved by a mailed link.
    pub email_verified: bool,
    /// What others see.
    pub display_name: Option<String>,
    /// Roles on the platform.
    pub roles: Vec<Role>,
    /// Whether it may be used.
    pub status: UserStatus,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its profile, roles or status last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// `PATCH /api/v1/users/me`. A field that is absent stays as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateMe {
    /// What others see; null takes it away.
    #[garde(inner(inner(length(chars, max = 80), custom(valid::line))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub display_name: Option<Option<String>>,
}

/// Tells a field that is null from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// `POST /api/v1/auth/password/change`. Every other session ends.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChangePassword {
    /// The password until now.
    #[garde(custom(valid::known_password))]
    pub current_password: Password,
    /// The password from now on.
    #[garde(custom(valid::new_password))]
    pub new_password: Password,
}

/// `POST /api/v1/auth/password/forgot`. The answer does not tell whether there is such an account.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ForgotPassword {
    /// Address of the account.
    #[garde(custom(valid::email))]
    #[schema(format = Email, example = "ada@example.org")]
    pub email: String,
}

/// `POST /api/v1/auth/password/reset`. Every session ends.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResetPassword {
    /// The token of the mailed link. It works once.
    #[garde(custom(valid::token))]
    pub token: Token,
    /// The password from now on.
    #[garde(custom(valid::new_password))]
    pub new_password: Password,
}

/// `POST /api/v1/auth/email/verify`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct VerifyEmail {
    /// The token of the mailed link. It works once.
    #[garde(custom(valid::token))]
    pub token: Token,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_cannot_be_asked_for_at_registration() {
        let body = r#"{"email":"a@example.org","password":"correct horse","role":"admin"}"#;
        assert!(serde_json::from_str::<Register>(body).is_err());
    }

    #[test]
    fn every_wrong_field_is_reported_and_not_only_the_first() {
        let body = r#"{"email":"nobody","password":"short","displayName":" "}"#;
        let request: Register = serde_json::from_str(body).unwrap();
        let report = request.validate().unwrap_err();
        let mut fields: Vec<String> = report.iter().map(|(path, _)| path.to_string()).collect();
        fields.sort();
        assert_eq!(fields, ["display_name", "email", "password"]);
    }

    #[test]
    fn null_takes_the_name_away_and_absence_leaves_it() {
        let absent: UpdateMe = serde_json::from_str("{}").unwrap();
        let null: UpdateMe = serde_json::from_str(r#"{"displayName":null}"#).unwrap();
        assert_eq!((absent.display_name, null.display_name), (None, Some(None)));
    }
}

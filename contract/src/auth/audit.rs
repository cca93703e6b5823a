//! The audit log: every event that matters to security, in the order in which it happened.

use crate::ids::{AuditId, OrganizationId, SessionId, UserId};
use crate::page::usual_limit;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

macro_rules! actions {
    ($($(#[doc = $doc:literal])+ $variant:ident = $wire:literal;)+) => {
        /// What happened. The list is closed: an event that is not in it cannot be written.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum AuditAction {
            $($(#[doc = $doc])+ #[serde(rename = $wire)] $variant,)+
        }

        impl AuditAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text on the wire and in the store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }

            /// The value of a text; `None` for any other.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.as_str() == text)
            }
        }

        impl std::fmt::Display for AuditAction {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

actions! {
    /// An account was made.
    UserRegistered = "user.registered";
    /// An administrator's account was made at the command line.
    AdminCreated = "admin.created";
    /// A login succeeded.
    LoginSucceeded = "login.succeeded";
    /// A login failed: wrong password, unknown address, disabled account.
    LoginFailed = "login.failed";
    /// Failed logins reached the point where the next one has to wait.
    LoginLocked = "login.locked";
    /// A session was ended by its owner.
    SessionEnded = "session.ended";
    /// A session was ended to make room for a newer one.
    SessionEvicted = "session.evicted";
    /// All sessions of a person, or all others, were ended by that person.
    SessionsEnded = "sessions.ended";
    /// A refresh token came back after it had been replaced; its session was revoked.
    RefreshTokenReused = "refresh_token.reused";
    /// A password was changed by who knew the old one.
    PasswordChanged = "password.changed";
    /// A change of password was refused because the old one was wrong.
    PasswordChangeFailed = "password.change_failed";
    /// A link to set a new password was asked for.
    PasswordResetRequested = "password.reset_requested";
    /// A password was set by a mailed link.
    PasswordReset = "password.reset";
    /// A password hash of an older kind was replaced at login.
    PasswordRehashed = "password.rehashed";
    /// A link to prove an address was asked for.
    EmailVerificationRequested = "email.verification_requested";
    /// An address was proved.
    EmailVerified = "email.verified";
    /// A person changed their profile.
    ProfileChanged = "profile.changed";
    /// An administrator changed the roles of an account.
    UserRolesChanged = "user.roles_changed";
    /// An administrator disabled an account.
    UserDisabled = "user.disabled";
    /// An administrator enabled an account.
    UserEnabled = "user.enabled";
    /// An administrator ended all sessions of an account.
    UserLoggedOut = "user.logged_out";
    /// An organisation was made.
    OrganizationCreated = "organization.created";
    /// Somebody was invited to an organisation.
    InvitationSent = "invitation.sent";
    /// An invitation was taken back.
    InvitationRevoked = "invitation.revoked";
    /// An invitation was accepted.
    InvitationAccepted = "invitation.accepted";
    /// A member's role was changed.
    MemberRoleChanged = "member.role_changed";
    /// A member left or was removed.
    MemberRemoved = "member.removed";
    /// A new signing key was made.
    SigningKeyCreated = "signing_key.created";
}

/// One line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    /// Its identifier; later ones sort behind earlier ones.
    pub id: AuditId,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What happened.
    pub action: AuditAction,
    /// Who did it; absent for the system and for somebody unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<UserId>,
    /// Whose account it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The session that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// The organisation that it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub organization: Option<OrganizationId>,
    /// Where the request came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<String>,
    /// Finds everything that belongs to the same user action.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// What else there is to know; never a secret.
    #[schema(value_type = Object)]
    pub details: serde_json::Value,
}

/// The query of `GET /api/v1/audit`. The list grows without end, so it is read by cursor, the youngest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAudit {
    /// Only this action.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<AuditAction>,
    /// Only what concerns this account.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only from this time on (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub from: Option<OffsetDateTime>,
    /// Only before this time (RFC 3339).
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub to: Option<OffsetDateTime>,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_its_own_text_on_the_wire_and_back() {
        for action in AuditAction::ALL {
            assert_eq!(serde_json::to_value(action).unwrap(), serde_json::Value::from(action.as_str()));
            assert_eq!(AuditAction::parse(action.as_str()), Some(*action));
        }
    }
}

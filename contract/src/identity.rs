//! Who may do what: roles, the permissions that follow from them, and the claims that carry them between processes.

use crate::ids::{OrganizationId, SessionId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role on the whole platform. A person has one or more; everybody is at least a user.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Everybody who has an account.
    User,
    /// Sells products of their own.
    Vendor,
    /// Decides on content.
    Moderator,
    /// Manages accounts and the platform.
    Admin,
}

/// A role inside one organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrganizationRole {
    /// Belongs to it.
    Member,
    /// Decides on its content.
    Moderator,
    /// Manages its members.
    Admin,
    /// May do everything, also end it. An organisation keeps at least one.
    Owner,
}

macro_rules! texts {
    ($type:ident: $($variant:ident = $text:literal),+) => {
        impl $type {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text on the wire and in a store.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The value of a text; `None` for any other.
            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

texts!(Role: User = "user", Vendor = "vendor", Moderator = "moderator", Admin = "admin");
texts!(OrganizationRole: Member = "member", Moderator = "moderator", Admin = "admin", Owner = "owner");

/// One thing that a route may ask for. Who has it is decided here and nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    /// List, change, disable and enable other people's accounts.
    ManageUsers,
    /// Read the audit log of the platform.
    ReadAudit,
    /// See every organisation.
    ManageOrganizations,
    /// Read the stored outgoing mail of the embedded mailer.
    ReadMail,
    /// Sell products of one's own: make, change and remove them, and count their stock.
    SellProducts,
    /// Manage every product, the categories and the brands.
    ManageCatalog,
    /// Count the stock of every product, and read its ledger.
    ManageStock,
    /// See every order, move it on, and give money back.
    ManageOrders,
    /// See every payment and what reconciliation found.
    ManagePayments,
    /// Decide which reviews are shown.
    ModerateReviews,
    /// See what was sent to whom.
    ReadNotifications,
    /// See what the assistant is used for and what that costs, and set budgets.
    ManageAssistant,
    /// See alerts, and open and change incidents.
    ManageStatus,
    /// Purge what the gateway keeps, and look after who may use it.
    ManageGateway,
}

impl Permission {
    /// The name in documents and in an error.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ManageUsers => "users:manage",
            Self::ReadAudit => "audit:read",
            Self::ManageOrganizations => "organizations:manage",
            Self::ReadMail => "mail:read",
            Self::SellProducts => "products:sell",
            Self::ManageCatalog => "catalog:manage",
            Self::ManageStock => "stock:manage",
            Self::ManageOrders => "orders:manage",
            Self::ManagePayments => "payments:manage",
            Self::ModerateReviews => "reviews:moderate",
            Self::ReadNotifications => "notifications:read",
            Self::ManageAssistant => "assistant:manage",
            Self::ManageStatus => "status:manage",
            Self::ManageGateway => "gateway:manage",
        }
    }

    /// The roles that have it. Deny unless listed.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Self::SellProducts => &[Role::Vendor, Role::Admin],
            Self::ModerateReviews => &[Role::Moderator, Role::Admin],
            Self::ManageUsers
            | Self::ReadAudit
            | Self::ManageOrganizations
            | Self::ReadMail
            | Self::ManageCatalog
            | Self::ManageStock
            | Self::ManageOrders
            | Self::ManagePayments
            | Self::ReadNotifications
            | Self::ManageAssistant
            | Self::ManageStatus
            | Self::ManageGateway => &[Role::Admin],
        }
    }
}

/// A membership as it travels in a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Membership {
    /// The organisation.
    pub id: OrganizationId,
    /// The role in it.
    pub role: OrganizationRole,
}

/// The claims of an access token (RFC 7519, RFC 9068).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it.
    pub iss: String,
    /// Whom it is for.
    pub aud: String,
    /// Whose it is.
    pub sub: UserId,
    /// The session that it belongs to.
    pub sid: SessionId,
    /// Its own identifier.
    pub jti: uuid::Uuid,
    /// Seconds since 1970: when it was issued.
    pub iat: i64,
    /// Seconds since 1970: from when it holds.
    pub nbf: i64,
    /// Seconds since 1970: until when it holds.
    pub exp: i64,
    /// Version of the account's rights; a token of an older version than the account's is revoked.
    pub ver: i64,
    /// Roles on the platform.
    pub roles: Vec<Role>,
    /// Memberships in organisations.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub orgs: Vec<Membership>,
    /// Whether the e-mail address was proved.
    #[serde(default)]
    pub verified: bool,
}

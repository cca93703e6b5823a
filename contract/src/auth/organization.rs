//! Organisations (tenants): members with a role each, and invitations by mail.

use super::secret::Token;
use super::valid;
use crate::identity::OrganizationRole;
use crate::ids::{InvitationId, OrganizationId, UserId};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// `POST /api/v1/organizations`. Who makes it is its owner.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateOrganization {
    /// What it is called.
    #[garde(length(chars, max = 80), custom(valid::line))]
    #[schema(example = "Acme Ltd")]
    pub name: String,
    /// What stands for it in a URL; made from the name when absent.
    #[garde(inner(custom(valid::slug)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme")]
    pub slug: Option<String>,
}

/// An organisation, as a member sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Organization {
    /// Its identifier.
    pub id: OrganizationId,
    /// What it is called.
    pub name: String,
    /// What stands for it in a URL.
    pub slug: String,
    /// The caller's role in it; absent for an administrator of the platform who is no member.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<OrganizationRole>,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A member of an organisation, as the other members see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The person.
    pub user_id: UserId,
    /// Their address.
    pub email: String,
    /// What others see.
    pub display_name: Option<String>,
    /// Their role.
    pub role: OrganizationRole,
    /// Since when.
    #[serde(with = "time::serde::rfc3339")]
    pub joined_at: OffsetDateTime,
}

/// A member whose account is in use, as other services see them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ActiveMember {
    /// The person.
    pub user: UserId,
    /// Their role.
    pub role: OrganizationRole,
}

/// The query of `GET /internal/v1/auth/organizations/{id}/members`: those who have at least this role, by identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ListActiveMembers {
    /// The least role.
    #[garde(skip)]
    pub role: OrganizationRole,
    /// The last one of the page before; absent for the first page.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<UserId>,
    /// How many at most.
    #[garde(range(min = 1, max = 100))]
    pub limit: u32,
}

/// `PUT /api/v1/organizations/{id}/members/{userId}`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetMemberRole {
    /// The role from now on.
    #[garde(skip)]
    pub role: OrganizationRole,
}

/// `POST /api/v1/organizations/{id}/invitations`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Invite {
    /// Who is invited; only an account of this address can accept.
    #[garde(custom(valid::email))]
    #[schema(format = Email, example = "grace@example.org")]
    pub email: String,
    /// The role that they will have.
    #[garde(skip)]
    pub role: OrganizationRole,
}

/// An open invitation. Its token is in the mail and nowhere else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Its identifier.
    pub id: InvitationId,
    /// The organisation.
    pub organization_id: OrganizationId,
    /// Who is invited.
    pub email: String,
    /// The role that they will have.
    pub role: OrganizationRole,
    /// Who invited them.
    pub invited_by: UserId,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// Until when it can be accepted.
    #[serde(with = "time::serde::rfc3339")]
    pub expires_at: OffsetDateTime,
}

/// `POST /api/v1/organizations/invitations/accept`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AcceptInvitation {
    /// The token of the mailed link. It works once.
    #[garde(custom(valid::token))]
    pub token: Token,
}

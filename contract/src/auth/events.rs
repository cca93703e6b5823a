//! What the auth service publishes. An event says what happened and to whom; names and addresses are asked of the service.

use crate::event::Event;
use crate::ids::{OrganizationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Somebody has an account now. For who keeps something of their own for each person, such as settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserRegistered {
    /// Whose account it is.
    pub user: UserId,
}

impl Event for UserRegistered {
    const TYPE: &'static str = "user.registered";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Somebody has an account now.";

    fn key(&self) -> String {
        self.user.to_string()
    }
}

/// There is an organisation now. For who keeps something of their own for each organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationCreated {
    /// The organisation.
    pub organization: OrganizationId,
    /// Its first member, who owns it. There is no `organization.member_joined` for them.
    pub owner: UserId,
}

impl Event for OrganizationCreated {
    const TYPE: &'static str = "organization.created";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "There is an organisation now.";

    fn key(&self) -> String {
        self.organization.to_string()
    }
}

/// Somebody belongs to an organisation now. For who tells its members something, or gives them something to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationMemberJoined {
    /// The organisation.
    pub organization: OrganizationId,
    /// Who joined it.
    pub user: UserId,
}

impl Event for OrganizationMemberJoined {
    const TYPE: &'static str = "organization.member_joined";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Somebody belongs to an organisation now.";

    fn key(&self) -> String {
        self.organization.to_string()
    }
}

/// Somebody does not belong to an organisation any more. For who has given them something to do there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationMemberLeft {
    /// The organisation.
    pub organization: OrganizationId,
    /// Who left it, or was removed.
    pub user: UserId,
}

impl Event for OrganizationMemberLeft {
    const TYPE: &'static str = "organization.member_left";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "Somebody does not belong to an organisation any more.";

    fn key(&self) -> String {
        self.organization.to_string()
    }
}

//! A person who was proved.

use crate::clock::Ts;
use contract::identity::{Claims, Membership, OrganizationRole, Permission, Role};
use contract::ids::{OrganizationId, SessionId, UserId};
use std::sync::Arc;

/// Whose request it is. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal(Arc<Facts>);

#[derive(Debug, PartialEq, Eq)]
struct Facts {
    user: UserId,
    session: SessionId,
    version: i64,
    roles: Vec<Role>,
    memberships: Vec<Membership>,
    email_verified: bool,
    expires: Ts,
}

impl Principal {
    /// From claims that were verified.
    #[must_use]
    pub fn new(claims: Claims) -> Self {
        Self(Arc::new(Facts {
            user: claims.sub,
            session: claims.sid,
            version: claims.ver,
            roles: claims.roles,
            memberships: claims.orgs,
            email_verified: claims.verified,
            expires: Ts::from_secs(claims.exp),
        }))
    }

    /// The person.
    #[must_use]
    pub fn user(&self) -> UserId {
        self.0.user
    }

    /// The session that the token belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// Version of the person's rights in the token.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.0.version
    }

    /// Whether the e-mail address was proved.
    #[must_use]
    pub fn email_verified(&self) -> bool {
        self.0.email_verified
    }

    /// When the token ends.
    #[must_use]
    pub fn expires(&self) -> Ts {
        self.0.expires
    }

    /// Roles on the platform.
    #[must_use]
    pub fn roles(&self) -> &[Role] {
        &self.0.roles
    }

    /// Whether one of the roles has the permission.
    #[must_use]
    pub fn may(&self, permission: Permission) -> bool {
        self.0.roles.iter().any(|role| permission.roles().contains(role))
    }

    /// The organisations that they belong to, and as what.
    #[must_use]
    pub fn memberships(&self) -> &[Membership] {
        &self.0.memberships
    }

    /// The role in an organisation; `None` for who does not belong to it.
    #[must_use]
    pub fn role_in(&self, organization: OrganizationId) -> Option<OrganizationRole> {
        self.0
            .memberships
            .iter()
            .find(|membership| membership.id == organization)
            .map(|membership| membership.role)
    }
}

//! Events of the audit log. The actions are a closed list in the contract; an event says who, whom and from where.

use contract::auth::AuditAction;
use contract::ids::{OrganizationId, SessionId, UserId};
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Where a request came from, as far as the platform can vouch for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The client's network address.
    pub ip: Option<IpAddr>,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: Option<String>,
}

/// One event, to be written in the transaction of what it tells about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEvent {
    /// What happened.
    pub action: AuditAction,
    /// Who did it; `None` for the system and for somebody unknown.
    pub actor: Option<UserId>,
    /// Whose account it concerns.
    pub user: Option<UserId>,
    /// The session that it concerns.
    pub session: Option<SessionId>,
    /// The organisation that it concerns.
    pub organization: Option<OrganizationId>,
    /// Where the request came from.
    pub origin: Origin,
    /// What else there is to know. Never a secret, and never what a stranger typed.
    pub details: Map<String, Value>,
}

impl AuditEvent {
    /// An event that nobody known caused.
    #[must_use]
    pub fn new(action: AuditAction, origin: &Origin) -> Self {
        let (actor, user, session, organization) = (None, None, None, None);
        Self { action, actor, user, session, organization, origin: origin.clone(), details: Map::new() }
    }

    /// It concerns this account, and somebody else caused it.
    #[must_use]
    pub const fn about(mut self, user: UserId) -> Self {
        self.user = Some(user);
        self
    }

    /// This person caused it.
    #[must_use]
    pub const fn by(mut self, actor: UserId) -> Self {
        self.actor = Some(actor);
        self
    }

    /// This person caused it, and it concerns their own account.
    #[must_use]
    pub const fn own(self, user: UserId) -> Self {
        self.by(user).about(user)
    }

    /// It concerns this session.
    #[must_use]
    pub const fn session(mut self, session: SessionId) -> Self {
        self.session = Some(session);
        self
    }

    /// It concerns this organisation.
    #[must_use]
    pub const fn organization(mut self, organization: OrganizationId) -> Self {
        self.organization = Some(organization);
        self
    }

    /// One more thing to know.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_about_oneself_has_oneself_as_actor() {
        let user = UserId::new();
        let event = AuditEvent::new(AuditAction::LoginSucceeded, &Origin::default()).own(user);
        assert_eq!((event.actor, event.user), (Some(user), Some(user)));
    }

    #[test]
    fn an_event_by_an_administrator_names_both() {
        let (admin, user) = (UserId::new(), UserId::new());
        let event = AuditEvent::new(AuditAction::UserDisabled, &Origin::default()).by(admin).about(user);
        assert_eq!((event.actor, event.user), (Some(admin), Some(user)));
    }
}

//! Who may read a message.

use super::Topic;
use crate::identity::{OrganizationRole, Permission};
use crate::ids::{OrganizationId, UserId};

/// Who may read a message: one person, those of one organisation who have a role at least, or both. Of both, the person reads it
/// as long as they belong to the organisation: who has left it reads nothing of it any more, their own neither. Besides, whoever
/// has the permission of the topic ([`Topic::staff`]), if they ask for it by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Readers {
    /// This person.
    pub user: Option<UserId>,
    /// Those who have at least this role in this organisation.
    pub organization: Option<(OrganizationId, OrganizationRole)>,
}

impl Readers {
    /// One person.
    #[must_use]
    pub const fn user(user: UserId) -> Self {
        Self { user: Some(user), organization: None }
    }

    /// Those who have at least this role in an organisation.
    #[must_use]
    pub const fn members(organization: OrganizationId, at_least: OrganizationRole) -> Self {
        Self { user: None, organization: Some((organization, at_least)) }
    }

    /// Besides, those who have at least this role in an organisation; the person has to belong to it.
    #[must_use]
    pub const fn and_members(self, organization: OrganizationId, at_least: OrganizationRole) -> Self {
        Self { user: self.user, organization: Some((organization, at_least)) }
    }

    /// Whether somebody is named: this person, who has this role in the organisation of the message.
    #[must_use]
    pub fn name(
        &self,
        user: UserId,
        role_in: impl FnOnce(OrganizationId) -> Option<OrganizationRole>,
    ) -> bool {
        let it_is_they = self.user == Some(user);
        match self.organization {
            None => it_is_they,
            Some((organization, at_least)) => {
                role_in(organization).is_some_and(|role| it_is_they || role >= at_least)
            }
        }
    }
}

impl Topic {
    /// The permission with which somebody may read every message of the topic, if there is one. It is used for
    /// `orders/all` and `orders/{id}` only: `orders` is what concerns who asks.
    #[must_use]
    pub const fn staff(self) -> Option<Permission> {
        match self {
            Self::Orders => Some(Permission::ManageOrders),
            Self::Notifications => Some(Permission::ReadNotifications),
            Self::Events | Self::Todos => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_named_does_not_read() {
        let (user, other, organization) = (UserId::new(), UserId::new(), OrganizationId::new());
        let elsewhere = |_| None;
        assert!(Readers::user(user).name(user, elsewhere));
        assert!(!Readers::user(user).name(other, |_| Some(OrganizationRole::Owner)));
        assert!(!Readers::default().name(user, |_| Some(OrganizationRole::Owner)));
        let moderators = Readers::members(organization, OrganizationRole::Moderator);
        let as_what = |role| move |asked| (asked == organization).then_some(role);
        assert!(moderators.name(user, as_what(OrganizationRole::Moderator)));
        assert!(moderators.name(user, as_what(OrganizationRole::Owner)));
        assert!(!moderators.name(user, as_what(OrganizationRole::Member)));
        assert!(!moderators.name(user, elsewhere));
        let both = Readers::user(user).and_members(organization, OrganizationRole::Moderator);
        assert!(both.name(user, as_what(OrganizationRole::Member)));
        assert!(both.name(other, as_what(OrganizationRole::Admin)));
        assert!(!both.name(other, as_what(OrganizationRole::Member)));
    }

    #[test]
    fn who_has_left_an_organisation_reads_nothing_of_it_any_more() {
        let user = UserId::new();
        let both = Readers::user(user).and_members(OrganizationId::new(), OrganizationRole::Moderator);
        assert!(both.name(user, |_| Some(OrganizationRole::Member)));
        assert!(!both.name(user, |_| None));
    }
}

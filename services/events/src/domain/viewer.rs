//! Who sees an event, and who may do what with it.
//!
//! Everything follows from the memberships in the caller's token. A role on the whole platform gives nothing but reading, and that
//! to who manages organisations only.

use super::event::Event;
use super::lifecycle::Action;
use chassis::identity::Principal;
use contract::events::EventStatus;
use contract::identity::{OrganizationRole, Permission};
use contract::ids::{OrganizationId, UserId};

/// What an organisation allows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// Whether who decides may decide on what they wrote themselves.
    pub own_decisions: bool,
}

/// Somebody, as they stand to one organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    /// Who it is.
    pub user: UserId,
    /// Their role in it, if they belong to it.
    pub role: Option<OrganizationRole>,
    /// Whether they read everything on the platform.
    pub reads_all: bool,
}

/// Why somebody may not do something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// For them there is no such event.
    #[error("no such event")]
    Unseen,
    /// It is for others.
    #[error("{0}")]
    NotYours(&'static str),
    /// They wrote it themselves.
    #[error("Somebody else decides on what you wrote.")]
    Own,
    /// What was approved is removed by who manages the organisation.
    #[error("What was approved is removed by an admin or owner of the organisation.")]
    Approved,
}

impl Refusal {
    /// They do not decide in the organisation.
    pub const NOT_DECIDING: Self =
        Self::NotYours("Only a moderator, admin or owner of its organisation decides on an event.");
}

impl Viewer {
    /// Who asks, as they stand to an organisation.
    #[must_use]
    pub fn of(who: &Principal, organization: OrganizationId) -> Self {
        let reads_all = who.may(Permission::ManageOrganizations);
        Self { user: who.user(), role: who.role_in(organization), reads_all }
    }

    /// Whether they decide on events.
    #[must_use]
    pub fn decides(&self) -> bool {
        self.role >= Some(OrganizationRole::Moderator)
    }

    /// Whether they manage the organisation.
    #[must_use]
    pub fn manages(&self) -> bool {
        self.role >= Some(OrganizationRole::Admin)
    }

    /// Whether they may know of the organisation at all.
    #[must_use]
    pub const fn belongs(&self) -> bool {
        self.reads_all || self.role.is_some()
    }

    /// Whether they see an event: members what is approved and their own, who decides all.
    #[must_use]
    pub fn sees(&self, event: &Event) -> bool {
        self.sees_behind(event.creator) || (self.role.is_some() && event.status == EventStatus::Approved)
    }

    /// Whether they see the history of an event that this person made, with reasons and with what it said before.
    #[must_use]
    pub fn sees_behind(&self, creator: UserId) -> bool {
        self.reads_all || self.decides() || (self.role.is_some() && self.user == creator)
    }

    /// Whether they may do it, wherever the event stands but for removing it.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn may(&self, event: &Event, action: Action, rules: Rules) -> Result<(), Refusal> {
        if !self.sees(event) {
            return Err(Refusal::Unseen);
        }
        let is_creator = self.role.is_some() && self.user == event.creator;
        match action {
            Action::Submit | Action::Reopen if is_creator => Ok(()),
            Action::Submit | Action::Reopen => Err(Refusal::NotYours("Only who made an event submits it.")),
            Action::Edit if is_creator || self.decides() => Ok(()),
            Action::Edit => Err(Refusal::NotYours(
                "Only who made an event changes it, or who decides in its organisation.",
            )),
            Action::Approve | Action::Reject if !self.decides() => Err(Refusal::NOT_DECIDING),
            Action::Approve | Action::Reject => {
                let wrote = [event.creator, event.editor].contains(&self.user);
                if wrote && !rules.own_decisions { Err(Refusal::Own) } else { Ok(()) }
            }
            Action::Delete if self.manages() => Ok(()),
            Action::Delete if !is_creator => Err(Refusal::NotYours(
                "Only who made an event removes it, or an admin or owner of its organisation.",
            )),
            Action::Delete if event.status == EventStatus::Approved => Err(Refusal::Approved),
            Action::Delete => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::tests::event;

    fn somebody(role: Option<OrganizationRole>) -> Viewer {
        Viewer { user: UserId::new(), role, reads_all: false }
    }

    #[test]
    fn members_see_what_is_approved_and_their_own() {
        let member = somebody(Some(OrganizationRole::Member));
        for status in EventStatus::ALL {
            let theirs = event(member.user, *status);
            let others = event(UserId::new(), *status);
            assert!(member.sees(&theirs), "{status}");
            assert_eq!(member.sees(&others), *status == EventStatus::Approved, "{status}");
            assert!(somebody(Some(OrganizationRole::Moderator)).sees(&others));
            assert!(!somebody(None).sees(&others) && !Viewer { role: None, ..member }.sees(&theirs));
        }
    }

    #[test]
    fn who_reads_everything_does_nothing() {
        let admin = Viewer { reads_all: true, ..somebody(None) };
        for status in EventStatus::ALL {
            let event = event(UserId::new(), *status);
            assert!(admin.sees(&event));
            for action in Action::ALL {
                assert!(admin.may(&event, action, Rules { own_decisions: true }).is_err(), "{action:?}");
            }
        }
    }

    #[test]
    fn nobody_decides_on_what_they_made_or_wrote_unless_the_organisation_allows_it() {
        for role in [OrganizationRole::Moderator, OrganizationRole::Admin, OrganizationRole::Owner] {
            let who = somebody(Some(role));
            let made = event(who.user, EventStatus::Submitted);
            let wrote = Event { editor: who.user, ..event(UserId::new(), EventStatus::Submitted) };
            for (event, action) in
                [(&made, Action::Approve), (&wrote, Action::Approve), (&made, Action::Reject)]
            {
                assert_eq!(who.may(event, action, Rules::default()), Err(Refusal::Own), "{role}");
                assert_eq!(who.may(event, action, Rules { own_decisions: true }), Ok(()), "{role}");
            }
            assert_eq!(
                who.may(&event(UserId::new(), EventStatus::Submitted), Action::Approve, Rules::default()),
                Ok(())
            );
        }
    }

    #[test]
    fn a_member_decides_nothing_whatever_the_organisation_allows() {
        let member = somebody(Some(OrganizationRole::Member));
        let own = event(member.user, EventStatus::Submitted);
        for action in [Action::Approve, Action::Reject] {
            let refused = member.may(&own, action, Rules { own_decisions: true });
            assert!(matches!(refused, Err(Refusal::NotYours(_))), "{refused:?}");
        }
    }

    #[test]
    fn what_was_approved_is_removed_by_who_manages_the_organisation_only() {
        let creator = somebody(Some(OrganizationRole::Member));
        let approved = event(creator.user, EventStatus::Approved);
        let may = |who: Viewer, event: &Event| who.may(event, Action::Delete, Rules::default());
        assert_eq!(may(creator, &approved), Err(Refusal::Approved));
        assert!(may(somebody(Some(OrganizationRole::Moderator)), &approved).is_err());
        assert_eq!(may(somebody(Some(OrganizationRole::Admin)), &approved), Ok(()));
        for status in [EventStatus::Draft, EventStatus::Submitted, EventStatus::Rejected] {
            assert_eq!(may(creator, &event(creator.user, status)), Ok(()), "{status}");
        }
    }
}

//! The states of an event, and the moves between them.
//!
//! ```text
//! DRAFT      submit -> SUBMITTED    edit -> DRAFT
//! SUBMITTED  approve -> APPROVED    reject -> REJECTED
//! APPROVED   edit -> SUBMITTED
//! REJECTED   edit -> DRAFT          reopen -> DRAFT
//! ```
//!
//! What must hold: an event is approved by an approval only, and what was approved is what it says. So what it says cannot change
//! while it waits for a decision, and a change of what was approved waits for another one.

use contract::events::EventStatus;

/// What somebody wants to do with an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Change what it says.
    Edit,
    /// Ask for a decision.
    Submit,
    /// Let it be shown.
    Approve,
    /// Send it back.
    Reject,
    /// Make a draft of it again without a change.
    Reopen,
    /// Remove it.
    Delete,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 6] =
        [Self::Edit, Self::Submit, Self::Approve, Self::Reject, Self::Reopen, Self::Delete];

    /// How it is called in a sentence.
    #[must_use]
    pub const fn verb(self) -> &'static str {
        match self {
            Self::Edit => "changed",
            Self::Submit => "submitted",
            Self::Approve => "approved",
            Self::Reject => "rejected",
            Self::Reopen => "reopened",
            Self::Delete => "removed",
        }
    }
}

/// Every move that there is. An event that is removed has no state any more: who may remove it in which one,
/// [`super::viewer`] says.
pub const MOVES: [(EventStatus, Action, EventStatus); 7] = [
    (EventStatus::Draft, Action::Edit, EventStatus::Draft),
    (EventStatus::Draft, Action::Submit, EventStatus::Submitted),
    (EventStatus::Submitted, Action::Approve, EventStatus::Approved),
    (EventStatus::Submitted, Action::Reject, EventStatus::Rejected),
    (EventStatus::Approved, Action::Edit, EventStatus::Submitted),
    (EventStatus::Rejected, Action::Edit, EventStatus::Draft),
    (EventStatus::Rejected, Action::Reopen, EventStatus::Draft),
];

/// The state of an event does not allow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("An event that is {status} cannot be {}.", .action.verb())]
pub struct NotFromHere {
    /// Where it stands.
    pub status: EventStatus,
    /// What was wanted.
    pub action: Action,
}

/// Where an event stands after an action.
///
/// # Errors
/// [`NotFromHere`].
pub fn after(status: EventStatus, action: Action) -> Result<EventStatus, NotFromHere> {
    let found = MOVES.iter().find(|(from, by, _)| *from == status && *by == action);
    found.map(|(_, _, to)| *to).ok_or(NotFromHere { status, action })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_way_from_rejection_to_approval() {
        let mut status = EventStatus::Rejected;
        for action in [Action::Edit, Action::Submit, Action::Approve] {
            status = after(status, action).unwrap();
        }
        assert_eq!(status, EventStatus::Approved);
    }

    #[test]
    fn what_was_decided_is_not_decided_again() {
        for status in [EventStatus::Draft, EventStatus::Approved, EventStatus::Rejected] {
            for action in [Action::Approve, Action::Reject] {
                assert_eq!(after(status, action), Err(NotFromHere { status, action }));
            }
        }
    }

    #[test]
    fn an_event_that_waits_for_a_decision_does_not_change_meanwhile() {
        for action in [Action::Edit, Action::Submit, Action::Reopen] {
            assert!(after(EventStatus::Submitted, action).is_err());
        }
    }

    #[test]
    fn only_an_approval_approves() {
        for (from, action, to) in MOVES {
            assert_eq!(to == EventStatus::Approved, action == Action::Approve, "{from} {action:?}");
        }
    }

    #[test]
    fn the_refusal_names_the_state() {
        let refused = after(EventStatus::Approved, Action::Reject).unwrap_err().to_string();
        assert_eq!(refused, "An event that is APPROVED cannot be rejected.");
    }
}

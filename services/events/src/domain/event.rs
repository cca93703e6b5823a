//! An event, and the steps that it takes.

use super::content::Content;
use chassis::clock::Ts;
use contract::events::{self, EventAction, EventCard, EventStatus, FieldChange};
use contract::ids::{EventId, OrganizationId, UserId};

/// An event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its identifier.
    pub id: EventId,
    /// Whose it is.
    pub organization: OrganizationId,
    /// What it says.
    pub content: Content,
    /// Where it stands.
    pub status: EventStatus,
    /// Why it was rejected last, until it is submitted again.
    pub reason: Option<String>,
    /// Who made it.
    pub creator: UserId,
    /// Who wrote what it says now.
    pub editor: UserId,
    /// Who decided on what it says now.
    pub decider: Option<UserId>,
    /// How often it was changed, from 1.
    pub version: i64,
    /// When it was made.
    pub created_at: Ts,
    /// When it took its last step.
    pub updated_at: Ts,
}

/// One step of an event, as its history keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The event.
    pub event: EventId,
    /// The version that it made.
    pub version: i64,
    /// Whose event it is.
    pub organization: OrganizationId,
    /// Who made the event.
    pub creator: UserId,
    /// What was done.
    pub action: EventAction,
    /// Who did it.
    pub by: UserId,
    /// When.
    pub at: Ts,
    /// Where it stood before.
    pub from: Option<EventStatus>,
    /// Where it stood from then on.
    pub to: Option<EventStatus>,
    /// Why it was rejected.
    pub reason: Option<String>,
    /// What was changed in it.
    pub changes: Vec<FieldChange>,
}

/// An event after a step, and the step.
pub type Moved = (Event, Step);

impl Event {
    /// A new event: a draft.
    #[must_use]
    pub fn made(organization: OrganizationId, content: Content, by: UserId, now: Ts) -> Moved {
        let event = Self {
            id: EventId::new(),
            organization,
            content,
            status: EventStatus::Draft,
            reason: None,
            creator: by,
            editor: by,
            decider: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        let step = Step {
            event: event.id,
            version: 1,
            organization,
            creator: by,
            action: EventAction::Created,
            by,
            at: now,
            from: None,
            to: Some(EventStatus::Draft),
            reason: None,
            changes: Vec::new(),
        };
        (event, step)
    }

    /// After somebody changed what it says. Who decided before decided on something else; why it was sent back stays until it
    /// is submitted.
    #[must_use]
    pub fn edited(self, to: EventStatus, by: UserId, now: Ts, change: (Content, Vec<FieldChange>)) -> Moved {
        let (content, changes) = change;
        let step = Step { changes, ..self.step(EventAction::Updated, Some(to), by, now) };
        let after = Self { content, editor: by, decider: None, ..self };
        (after.at(to, now), step)
    }

    /// After its creator asked for a decision.
    #[must_use]
    pub fn submitted(self, to: EventStatus, by: UserId, now: Ts) -> Moved {
        let step = self.step(EventAction::Submitted, Some(to), by, now);
        let after = Self { reason: None, decider: None, ..self };
        (after.at(to, now), step)
    }

    /// After its creator made a draft of it again.
    #[must_use]
    pub fn reopened(self, to: EventStatus, by: UserId, now: Ts) -> Moved {
        let step = self.step(EventAction::Reopened, Some(to), by, now);
        (self.at(to, now), step)
    }

    /// After it was approved.
    #[must_use]
    pub fn approved(self, to: EventStatus, by: UserId, now: Ts) -> Moved {
        let step = self.step(EventAction::Approved, Some(to), by, now);
        let after = Self { reason: None, decider: Some(by), ..self };
        (after.at(to, now), step)
    }

    /// After it was rejected.
    #[must_use]
    pub fn rejected(self, to: EventStatus, by: UserId, now: Ts, reason: String) -> Moved {
        let step =
            Step { reason: Some(reason.clone()), ..self.step(EventAction::Rejected, Some(to), by, now) };
        let after = Self { reason: Some(reason), decider: Some(by), ..self };
        (after.at(to, now), step)
    }

    /// The last step of one that is removed.
    #[must_use]
    pub fn removed(&self, by: UserId, now: Ts) -> Step {
        self.step(EventAction::Deleted, None, by, now)
    }

    fn at(self, status: EventStatus, now: Ts) -> Self {
        Self { status, version: self.version + 1, updated_at: now, ..self }
    }

    fn step(&self, action: EventAction, to: Option<EventStatus>, by: UserId, at: Ts) -> Step {
        Step {
            event: self.id,
            version: self.version + 1,
            organization: self.organization,
            creator: self.creator,
            action,
            by,
            at,
            from: Some(self.status),
            to,
            reason: None,
            changes: Vec::new(),
        }
    }

    /// What other services are told of it.
    #[must_use]
    pub fn card(&self) -> EventCard {
        EventCard {
            id: self.id,
            organization: self.organization,
            creator: self.creator,
            title: self.content.title.clone(),
            status: self.status,
            version: self.version,
        }
    }

    /// What who sees it is told of it.
    #[must_use]
    pub fn told(&self) -> events::Event {
        let Content { title, description, location, start, end } = self.content.clone();
        events::Event {
            id: self.id,
            organization_id: self.organization,
            title,
            description,
            location,
            start_date: start.to_datetime(),
            end_date: end.to_datetime(),
            status: self.status,
            rejection_reason: self.reason.clone(),
            created_by: self.creator,
            edited_by: self.editor,
            decided_by: self.decider,
            version: self.version,
            created_at: self.created_at.to_datetime(),
            updated_at: self.updated_at.to_datetime(),
        }
    }
}

impl From<Step> for events::EventStep {
    fn from(step: Step) -> Self {
        let Step { version, action, by, at, from, to, reason, changes, .. } = step;
        Self { version, action, by, at: at.to_datetime(), from, to, reason, changes }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::domain) fn content(title: &str) -> Content {
        Content {
            title: title.to_owned(),
            description: "Stalls, music and a tombola.".to_owned(),
            location: None,
            start: Ts::from_secs(1_000),
            end: Ts::from_secs(2_000),
        }
    }

    pub(in crate::domain) fn event(creator: UserId, status: EventStatus) -> Event {
        let (made, _) = Event::made(OrganizationId::new(), content("Fair"), creator, Ts::from_secs(1));
        Event { status, ..made }
    }

    #[test]
    fn why_it_was_sent_back_is_told_until_it_is_submitted_again() {
        let (ada, mod_, now) = (UserId::new(), UserId::new(), Ts::from_secs(2));
        let waiting = event(ada, EventStatus::Submitted);
        let (rejected, step) = waiting.rejected(EventStatus::Rejected, mod_, now, "Too vague.".to_owned());
        assert_eq!(
            (rejected.reason.as_deref(), step.reason.as_deref()),
            (Some("Too vague."), Some("Too vague."))
        );
        let (draft, _) = rejected.edited(EventStatus::Draft, ada, now, (content("Fair"), Vec::new()));
        assert_eq!((draft.reason.as_deref(), draft.decider), (Some("Too vague."), None));
        let (again, step) = draft.submitted(EventStatus::Submitted, ada, now);
        assert_eq!((again.reason, step.version, again.version), (None, 4, 4));
    }

    #[test]
    fn who_changes_what_was_approved_has_written_it_and_nobody_has_decided_on_it() {
        let (ada, mod_, now) = (UserId::new(), UserId::new(), Ts::from_secs(2));
        let (approved, _) = event(ada, EventStatus::Submitted).approved(EventStatus::Approved, mod_, now);
        let (after, _) = approved.edited(EventStatus::Submitted, mod_, now, (content("Fête"), Vec::new()));
        assert_eq!((after.creator, after.editor, after.decider), (ada, mod_, None));
    }
}

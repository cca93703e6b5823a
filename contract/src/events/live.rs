//! What clients are told live of events: who made one and those who decide in its organisation of every step, all members of
//! what is approved and of what is not any more. Who has left the organisation is told of nothing.

use super::{
    EventApproved, EventCard, EventCreated, EventDeleted, EventRejected, EventReopened, EventStatus,
    EventSubmitted, EventUpdated,
};
use crate::identity::OrganizationRole;
use crate::ids::{EventId, OrganizationId};
use crate::live::{Live, Readers, Topic};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What clients are told live of an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventNews {
    /// The event.
    pub event: EventId,
    /// The organisation whose it is.
    pub organization: OrganizationId,
    /// Where it stands; where it stood last, of one that is gone.
    pub status: EventStatus,
    /// Its version from then on.
    pub version: i64,
    /// What it is called; absent where somebody is told of it who may not read what it says now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Whether every member may know of a step: of one that is approved, or was until then.
fn is_public(card: &EventCard, was_approved: bool) -> bool {
    was_approved || card.status == EventStatus::Approved
}

fn readers(card: &EventCard, was_approved: bool) -> Readers {
    let at_least = match is_public(card, was_approved) {
        true => OrganizationRole::Member,
        false => OrganizationRole::Moderator,
    };
    Readers::user(card.creator).and_members(card.organization, at_least)
}

fn news(card: &EventCard, was_approved: bool, reason: Option<&str>) -> EventNews {
    // What was approved and is not any more has words that nobody has approved.
    let hidden = was_approved && card.status != EventStatus::Approved;
    EventNews {
        event: card.id,
        organization: card.organization,
        status: card.status,
        version: card.version,
        title: (!hidden).then(|| card.title.clone()),
        reason: reason.map(str::to_owned),
    }
}

macro_rules! live {
    ($($event:ident |$of:ident| $was_approved:expr, $reason:expr;)+) => {$(
        #[allow(unused_variables, reason = "not every step has more to it than its card")]
        impl Live for $event {
            const TOPIC: Topic = Topic::Events;

            type View = EventNews;

            fn resource(&self) -> Uuid {
                self.event.id.uuid()
            }

            fn readers(&self) -> Readers {
                let $of = self;
                readers(&self.event, $was_approved)
            }

            fn view(&self) -> EventNews {
                let $of = self;
                news(&self.event, $was_approved, $reason)
            }
        }
    )+};
}

live! {
    EventCreated |of| false, None;
    EventUpdated |of| of.before == EventStatus::Approved, None;
    EventSubmitted |of| of.again, None;
    EventApproved |of| false, None;
    EventRejected |of| false, Some(&of.reason);
    EventReopened |of| false, None;
    EventDeleted |of| false, None;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::UserId;

    fn card(status: EventStatus) -> EventCard {
        EventCard {
            id: EventId::new(),
            organization: OrganizationId::new(),
            creator: UserId::new(),
            title: "Summer party".to_owned(),
            status,
            version: 4,
        }
    }

    fn is_told(told: &impl Live, card: &EventCard, role: OrganizationRole) -> bool {
        told.readers().name(UserId::new(), |asked| (asked == card.organization).then_some(role))
    }

    #[test]
    fn what_is_not_approved_concerns_who_made_it_and_those_who_decide() {
        let card = card(EventStatus::Submitted);
        let told = EventSubmitted { event: card.clone(), by: card.creator, again: false };
        let belongs = |asked| (asked == card.organization).then_some(OrganizationRole::Member);
        assert!(told.readers().name(card.creator, belongs));
        assert!(!told.readers().name(card.creator, |_| None), "who has left it is told of nothing");
        assert!(is_told(&told, &card, OrganizationRole::Moderator));
        assert!(!is_told(&told, &card, OrganizationRole::Member));
        assert_eq!(told.view().title.as_deref(), Some("Summer party"));
    }

    #[test]
    fn members_are_told_that_something_is_not_approved_any_more_and_not_its_new_words() {
        let card = card(EventStatus::Submitted);
        let told = EventUpdated {
            event: card.clone(),
            by: card.creator,
            before: EventStatus::Approved,
            fields: vec!["title".to_owned()],
        };
        assert!(is_told(&told, &card, OrganizationRole::Member));
        assert!(!told.readers().name(UserId::new(), |_| None), "another organisation's are told of nothing");
        let shown = serde_json::to_string(&told.view()).unwrap();
        assert!(!shown.contains("Summer") && shown.contains("SUBMITTED"), "{shown}");
    }

    #[test]
    fn members_are_told_of_what_is_approved() {
        let card = card(EventStatus::Approved);
        let told = EventApproved { event: card.clone(), by: UserId::new() };
        assert!(is_told(&told, &card, OrganizationRole::Member));
        assert_eq!(told.view().title.as_deref(), Some("Summer party"));
    }
}

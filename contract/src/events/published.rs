//! What the events service publishes, with the event's key: one for each step of it.

use super::EventStatus;
use crate::ids::{EventId, OrganizationId, UserId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Which event it is, and where it stands after the step. What it is about is asked of the service, which knows who may read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventCard {
    /// The event.
    pub id: EventId,
    /// The organisation whose it is. Until it is approved, it concerns its creator and those who decide there, nobody else.
    pub organization: OrganizationId,
    /// Who made it.
    pub creator: UserId,
    /// What it is called.
    pub title: String,
    /// Where it stands.
    pub status: EventStatus,
    /// The version that the step made.
    pub version: i64,
}

/// An event was made, as a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventCreated {
    /// The event.
    pub event: EventCard,
}

/// Somebody changed what an event says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventUpdated {
    /// The event.
    pub event: EventCard,
    /// Who changed it.
    pub by: UserId,
    /// Where it stood before. What was approved is submitted again, what was rejected is a draft.
    pub before: EventStatus,
    /// The fields that were changed.
    pub fields: Vec<String>,
}

/// An event waits for a decision: it was submitted, or changed after it had been approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventSubmitted {
    /// The event.
    pub event: EventCard,
    /// Who submitted or changed it.
    pub by: UserId,
    /// Whether it had been approved before it was changed.
    pub again: bool,
}

/// An event was approved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventApproved {
    /// The event.
    pub event: EventCard,
    /// Who approved it.
    pub by: UserId,
}

/// An event was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventRejected {
    /// The event.
    pub event: EventCard,
    /// Who rejected it.
    pub by: UserId,
    /// Why, for its creator.
    pub reason: String,
}

/// A rejected event is a draft again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventReopened {
    /// The event.
    pub event: EventCard,
    /// Who reopened it.
    pub by: UserId,
}

/// An event is gone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct EventDeleted {
    /// The event, with where it stood last.
    pub event: EventCard,
    /// Who removed it.
    pub by: UserId,
}

macro_rules! keyed_by_event {
    ($($event:ident = $kind:literal, $about:literal;)+) => {$(
        impl crate::event::Event for $event {
            const TYPE: &'static str = $kind;
            const VERSION: u32 = 1;
            const ABOUT: &'static str = $about;

            fn key(&self) -> String {
                self.event.id.to_string()
            }
        }
    )+};
}

keyed_by_event! {
    EventCreated = "event.created", "An event was made, as a draft.";
    EventUpdated = "event.updated", "Somebody changed what an event says.";
    EventSubmitted = "event.submitted", "An event waits for a decision.";
    EventApproved = "event.approved", "An event was approved.";
    EventRejected = "event.rejected", "An event was rejected.";
    EventReopened = "event.reopened", "A rejected event is a draft again.";
    EventDeleted = "event.deleted", "An event is gone.";
}

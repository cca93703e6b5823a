//! The typed client of the events.

use super::{CreateEvent, Event, EventRules, EventStep, ListEvents, RejectEvent, SetEventRules, UpdateEvent};
use crate::client::{CallError, Caller, endpoints};
use crate::ids::{EventId, OrganizationId};

/// Speaks to the events. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct EventsClient {
    caller: Caller,
}

impl EventsClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// A page of the events that the caller may see.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn events(&self, query: &ListEvents) -> Result<Vec<Event>, CallError> {
        let query = serde_urlencoded::to_string(query).map_err(|e| CallError::Undecodable(e.to_string()))?;
        self.caller.get(&format!("/api/v1/events?{query}")).await
    }

    endpoints! {
        /// One event that the caller may see.
        event(id: EventId) -> Event = GET format!("/api/v1/events/{id}");
        /// Makes an event of an organisation that the caller belongs to.
        create(body: &CreateEvent) -> Event = POST "/api/v1/events", body;
        /// Changes what an event says.
        update(id: EventId, body: &UpdateEvent) -> Event = PATCH format!("/api/v1/events/{id}"), body;
        /// Removes an event.
        delete(id: EventId) -> () = DELETE format!("/api/v1/events/{id}");
        /// Submits one of the caller's drafts.
        submit(id: EventId) -> Event = POST format!("/api/v1/events/{id}/submit");
        /// Approves a submitted event, for who decides in its organisation.
        approve(id: EventId) -> Event = POST format!("/api/v1/events/{id}/approve");
        /// Rejects a submitted event, for who decides in its organisation.
        reject(id: EventId, body: &RejectEvent) -> Event = POST format!("/api/v1/events/{id}/reject"), body;
        /// Makes a draft of a rejected event again.
        reopen(id: EventId) -> Event = POST format!("/api/v1/events/{id}/reopen");
        /// Who did what to an event, a hundred steps at most, from the first on.
        history(id: EventId) -> Vec<EventStep> = GET format!("/api/v1/events/{id}/history?limit=100");
        /// The rules of an organisation.
        rules(id: OrganizationId) -> EventRules = GET format!("/api/v1/events/organizations/{id}/rules");
        /// Sets the rules of an organisation.
        set_rules(id: OrganizationId, body: &SetEventRules) -> EventRules
            = PUT format!("/api/v1/events/organizations/{id}/rules"), body;
    }
}

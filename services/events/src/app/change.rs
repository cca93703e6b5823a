//! Changing what an event says.

use super::App;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Action, after};
use crate::error::EventsResult;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::events::{EventStatus, EventSubmitted, EventUpdated, UpdateEvent};
use contract::ids::EventId;

impl App {
    /// Changes an event. What was approved is submitted again, what was rejected is a draft; what says the same afterwards stays
    /// as it is.
    ///
    /// # Errors
    /// As [`App::begin_with`], while it waits for a decision, and when no event can say this.
    pub(crate) async fn change(
        &self,
        who: &Principal,
        id: EventId,
        asked: UpdateEvent,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (mut tx, old) = self.begin_with(who, id, Action::Edit, seen).await?;
        let (before, to) = (old.status, after(old.status, Action::Edit)?);
        let change = old.content.changed(asked)?;
        if change.1.is_empty() {
            return Ok((tx, old));
        }
        let fields = change.1.iter().map(|change| change.field.clone()).collect();
        let by = who.user();
        let moved = old.edited(to, by, self.clock.now(), change);
        self.keep(&mut tx, &moved).await?;
        let event = moved.0.card();
        self.outbox.publish(&mut tx, &EventUpdated { event: event.clone(), by, before, fields }).await?;
        if before == EventStatus::Approved {
            self.outbox.publish(&mut tx, &EventSubmitted { event, by, again: true }).await?;
        }
        Ok((tx, moved.0))
    }
}

//! Asking for a decision, and going back to a draft: what the creator of an event does.

use super::App;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Action, after};
use crate::error::EventsResult;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::events::{EventReopened, EventSubmitted};
use contract::ids::EventId;

impl App {
    /// Submits a draft of who asks.
    ///
    /// # Errors
    /// As [`App::begin_with`], and when it is no draft.
    pub(crate) async fn submit(
        &self,
        who: &Principal,
        id: EventId,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (mut tx, old) = self.begin_with(who, id, Action::Submit, seen).await?;
        let (to, by) = (after(old.status, Action::Submit)?, who.user());
        let moved = old.submitted(to, by, self.clock.now());
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventSubmitted { event: moved.0.card(), by, again: false }).await?;
        Ok((tx, moved.0))
    }

    /// Makes a draft of a rejected event of who asks, as it is.
    ///
    /// # Errors
    /// As [`App::begin_with`], and when it was not rejected.
    pub(crate) async fn reopen(
        &self,
        who: &Principal,
        id: EventId,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (mut tx, old) = self.begin_with(who, id, Action::Reopen, seen).await?;
        let (to, by) = (after(old.status, Action::Reopen)?, who.user());
        let moved = old.reopened(to, by, self.clock.now());
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventReopened { event: moved.0.card(), by }).await?;
        Ok((tx, moved.0))
    }
}

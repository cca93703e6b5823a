//! Asking for a decision, and going back to a draft: what the creator of an event does.

use super::App;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Action, after};
use crate::domain::viewer::Rules;
use crate::error::{EventsError, EventsResult};
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::events::{EventReopened, EventSubmitted};
use contract::ids::EventId;

impl App {
    /// Submits a draft of who asks.
    ///
    /// # Errors
    /// [`EventsError::Refused`], [`EventsError::Precondition`], [`EventsError::State`].
    pub(crate) async fn submit(
        &self,
        who: &Principal,
        id: EventId,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (now, by) = (self.clock.now(), who.user());
        let mut tx = self.db.begin().await?;
        let (old, viewer) = self.hold(&mut tx, who, id).await?;
        viewer.may(&old, Action::Submit, Rules::default())?;
        seen.check(old.version).map_err(EventsError::Precondition)?;
        let to = after(old.status, Action::Submit)?;
        let moved = old.submitted(to, by, now);
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventSubmitted { event: moved.0.card(), by, again: false }).await?;
        Ok((tx, moved.0))
    }

    /// Makes a draft of a rejected event of who asks, as it is.
    ///
    /// # Errors
    /// As [`App::submit`].
    pub(crate) async fn reopen(
        &self,
        who: &Principal,
        id: EventId,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (now, by) = (self.clock.now(), who.user());
        let mut tx = self.db.begin().await?;
        let (old, viewer) = self.hold(&mut tx, who, id).await?;
        viewer.may(&old, Action::Reopen, Rules::default())?;
        seen.check(old.version).map_err(EventsError::Precondition)?;
        let to = after(old.status, Action::Reopen)?;
        let moved = old.reopened(to, by, now);
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventReopened { event: moved.0.card(), by }).await?;
        Ok((tx, moved.0))
    }
}

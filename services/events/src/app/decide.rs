//! Deciding on an event.

use super::App;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Action, after};
use crate::error::EventsResult;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::events::{EventApproved, EventRejected};
use contract::ids::EventId;

impl App {
    /// Lets a submitted event be shown.
    ///
    /// # Errors
    /// As [`App::begin_with`], and when it is decided already.
    pub(crate) async fn approve(
        &self,
        who: &Principal,
        id: EventId,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (mut tx, old) = self.begin_with(who, id, Action::Approve, seen).await?;
        let (to, by) = (after(old.status, Action::Approve)?, who.user());
        let moved = old.approved(to, by, self.clock.now());
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventApproved { event: moved.0.card(), by }).await?;
        Ok((tx, moved.0))
    }

    /// Sends a submitted event back.
    ///
    /// # Errors
    /// As [`App::approve`].
    pub(crate) async fn reject(
        &self,
        who: &Principal,
        id: EventId,
        reason: &str,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (mut tx, old) = self.begin_with(who, id, Action::Reject, seen).await?;
        let (to, by, reason) = (after(old.status, Action::Reject)?, who.user(), reason.trim().to_owned());
        let moved = old.rejected(to, by, self.clock.now(), reason.clone());
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventRejected { event: moved.0.card(), by, reason }).await?;
        Ok((tx, moved.0))
    }
}

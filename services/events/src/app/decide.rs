//! Deciding on an event.

use super::App;
use crate::domain::event::Event;
use crate::domain::lifecycle::{Action, after};
use crate::error::{EventsError, EventsResult};
use crate::store::rules;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::events::{EventApproved, EventRejected, EventStatus};
use contract::ids::EventId;

impl App {
    /// Lets a submitted event be shown.
    ///
    /// # Errors
    /// [`EventsError::Refused`], [`EventsError::Precondition`] when it is not what was read, [`EventsError::State`] when it is
    /// decided already.
    pub(crate) async fn approve(
        &self,
        who: &Principal,
        id: EventId,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let (now, by) = (self.clock.now(), who.user());
        let (mut tx, old, to) = self.decidable(who, id, Action::Approve, seen).await?;
        let moved = old.approved(to, by, now);
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
        let (now, by, reason) = (self.clock.now(), who.user(), reason.trim().to_owned());
        let (mut tx, old, to) = self.decidable(who, id, Action::Reject, seen).await?;
        let moved = old.rejected(to, by, now, reason.clone());
        self.keep(&mut tx, &moved).await?;
        self.outbox.publish(&mut tx, &EventRejected { event: moved.0.card(), by, reason }).await?;
        Ok((tx, moved.0))
    }

    /// An event that who asks may decide on so, held, and where it stands afterwards.
    async fn decidable(
        &self,
        who: &Principal,
        id: EventId,
        action: Action,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event, EventStatus)> {
        let mut tx = self.db.begin().await?;
        let (old, viewer) = self.hold(&mut tx, who, id).await?;
        let rules = rules::of(&mut tx, old.organization).await?;
        viewer.may(&old, action, rules)?;
        seen.check(old.version).map_err(EventsError::Precondition)?;
        let to = after(old.status, action)?;
        Ok((tx, old, to))
    }
}

//! Removing an event.

use super::App;
use crate::domain::lifecycle::Action;
use crate::error::{EventsError, EventsResult};
use crate::store::event;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::events::EventDeleted;
use contract::ids::EventId;

impl App {
    /// Removes an event. Its history stays for a while, with who removed it.
    ///
    /// # Errors
    /// As [`App::begin_with`].
    pub(crate) async fn remove(&self, who: &Principal, id: EventId, seen: &IfMatch) -> EventsResult<Tx> {
        let (mut tx, old) = self.begin_with(who, id, Action::Delete, seen).await?;
        let by = who.user();
        if !event::delete(&mut tx, &old).await? {
            return Err(EventsError::Changed);
        }
        let step = old.removed(by, self.clock.now());
        self.record(&mut tx, &step).await?;
        let mut event = old.card();
        event.version = step.version;
        self.outbox.publish(&mut tx, &EventDeleted { event, by }).await?;
        Ok(tx)
    }
}

//! Removing an event.

use super::App;
use crate::domain::lifecycle::Action;
use crate::domain::viewer::Rules;
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
    /// [`EventsError::Refused`], [`EventsError::Precondition`].
    pub(crate) async fn remove(&self, who: &Principal, id: EventId, seen: &IfMatch) -> EventsResult<Tx> {
        let (now, by) = (self.clock.now(), who.user());
        let mut tx = self.db.begin().await?;
        let (old, viewer) = self.hold(&mut tx, who, id).await?;
        viewer.may(&old, Action::Delete, Rules::default())?;
        seen.check(old.version).map_err(EventsError::Precondition)?;
        if !event::delete(&mut tx, &old).await? {
            return Err(EventsError::Changed);
        }
        let step = old.removed(by, now);
        self.record(&mut tx, &step).await?;
        let mut event = old.card();
        event.version = step.version;
        self.outbox.publish(&mut tx, &EventDeleted { event, by }).await?;
        Ok(tx)
    }
}

//! Making an event.

use super::App;
use crate::domain::content::Content;
use crate::domain::event::Event;
use crate::error::{EventsError, EventsResult};
use crate::store::event;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::events::{CreateEvent, EventCreated};

impl App {
    /// Makes an event of an organisation that who asks belongs to: a draft.
    ///
    /// # Errors
    /// [`EventsError::NotFound`] for another organisation, [`EventsError::Content`].
    pub(crate) async fn create(&self, who: &Principal, asked: CreateEvent) -> EventsResult<(Tx, Event)> {
        let organization = asked.organization_id;
        if who.role_in(organization).is_none() {
            return Err(EventsError::NotFound("organisation"));
        }
        let content = Content::of(asked)?;
        let (made, step) = Event::made(organization, content, who.user(), self.clock.now());
        let mut tx = self.db.begin().await?;
        event::insert(&mut tx, &made).await?;
        self.record(&mut tx, &step).await?;
        self.outbox.publish(&mut tx, &EventCreated { event: made.card() }).await?;
        Ok((tx, made))
    }
}

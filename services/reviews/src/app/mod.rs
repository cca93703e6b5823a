//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].
//!
//! A change is one transaction: the row, and an event in the review's stream, whose version is that of the row. It is given
//! back uncommitted, so that the handler commits it together with its answer.

mod audit;
mod buyers;
mod create;
mod decide;
mod read;
mod revise;
mod withdraw;

pub(crate) use buyers::Buyers;

use crate::domain::events::ReviewEvent;
use crate::domain::review::Review;
use crate::domain::standing::ModerateFirst;
use crate::error::ReviewsResult;
use chassis::clock::Clock;
use chassis::db::{Db, Tx};
use chassis::event_store::{EventStore, Expected, StreamId};

/// The service, shared by its handlers.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) events: EventStore,
    pub(crate) first: ModerateFirst,
}

impl App {
    /// Adds what happened to a review to its stream, which brings it to this version.
    async fn append(&self, tx: &mut Tx, review: &Review, event: ReviewEvent) -> ReviewsResult<()> {
        let stream = StreamId::new("review", review.id.uuid());
        let expected = Expected::Version(review.version - 1);
        self.events.append(tx, &stream, expected, &[event]).await?;
        Ok(())
    }
}

//! Calling for a message.

use super::App;
use crate::domain::message::{Message, Recipient};
use crate::jobs::SendNotification;
use crate::store::{notification, turned_off};
use chassis::db::{DbError, Tx};
use chassis::events::PublishError;
use chassis::jobs::{EnqueueError, When};
use contract::ids::{NotificationId, UserId};
use contract::notifications::NotificationCreated;
use thiserror::Error;

/// Why a message was not called for.
#[derive(Debug, Error)]
pub(crate) enum TellError {
    #[error(transparent)]
    Db(#[from] DbError),
    #[error(transparent)]
    Enqueue(#[from] EnqueueError),
    #[error(transparent)]
    Publish(#[from] PublishError),
}

impl App {
    /// Calls for a message, in the caller's transaction: it is sent when that is committed and not otherwise. The second time
    /// for one kind, subject and recipient nothing happens.
    pub(crate) async fn tell(&self, tx: &mut Tx, message: &Message) -> Result<(), TellError> {
        let id = NotificationId::new();
        if !notification::insert(tx, id, message, self.clock.now()).await? {
            return Ok(());
        }
        let job = self.jobs.enqueue(tx, &SendNotification { notification: id }, When::Now).await?;
        notification::set_job(tx, id, job).await?;
        match &message.to {
            Recipient::User(user) => self.announce(tx, id, *user, message).await,
            // Nobody who could be connected.
            Recipient::Address(_) => Ok(()),
        }
    }

    /// Says that there is a message to a person, unless they do not want to be told. Its text stays in the log: who is told
    /// reads it there.
    async fn announce(
        &self,
        tx: &mut Tx,
        notification: NotificationId,
        user: UserId,
        message: &Message,
    ) -> Result<(), TellError> {
        let Message { kind, order, facts, .. } = message;
        if kind.is_optional() && turned_off::of_user_in(tx, user).await?.contains(kind) {
            return Ok(());
        }
        // What cannot be written is not sent either: its job says why.
        let Ok(letter) = self.letters.write(*kind, None, facts.clone()) else { return Ok(()) };
        let (kind, order, title) = (*kind, *order, letter.subject);
        self.outbox.publish(tx, &NotificationCreated { notification, user, kind, order, title }).await?;
        Ok(())
    }
}

//! Calling for a message.

use super::App;
use crate::domain::message::Message;
use crate::jobs::SendNotification;
use crate::store::notification;
use chassis::db::Tx;
use chassis::jobs::{EnqueueError, When};
use contract::ids::NotificationId;

impl App {
    /// Calls for a message, in the caller's transaction: it is sent when that is committed and not otherwise. The second time
    /// for one kind, subject and recipient nothing happens.
    pub(crate) async fn tell(&self, tx: &mut Tx, message: &Message) -> Result<(), EnqueueError> {
        let id = NotificationId::new();
        if !notification::insert(tx, id, message, self.clock.now()).await? {
            return Ok(());
        }
        let job = self.jobs.enqueue(tx, &SendNotification { notification: id }, When::Now).await?;
        notification::set_job(tx, id, job).await?;
        Ok(())
    }
}

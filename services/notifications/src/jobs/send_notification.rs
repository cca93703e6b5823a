//! Sends a message.

use crate::app::App;
use chassis::jobs::{Job, Task};
use contract::ids::NotificationId;
use serde::{Deserialize, Serialize};

/// A message that was called for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SendNotification {
    pub(crate) notification: NotificationId,
}

impl Task for SendNotification {
    const NAME: &'static str = "send-notification";
}

/// The job. What it does twice takes effect once: the message is settled in the transaction that has its mail.
pub(crate) fn send_notification(app: App) -> Job {
    Job::queued(move |task: SendNotification, run| {
        let app = app.clone();
        async move { app.send(task.notification, &run).await }
    })
}

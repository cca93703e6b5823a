//! Tells those who decide in an organisation of an event that waits for them.

use crate::app::App;
use chassis::jobs::{Job, Task};
use contract::ids::{OrganizationId, UserId};
use serde::{Deserialize, Serialize};

/// An event that was submitted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TellModerators {
    /// The event and its version.
    pub(crate) subject: String,
    pub(crate) organization: OrganizationId,
    pub(crate) title: String,
    /// Who submitted it, and knows.
    pub(crate) by: UserId,
}

impl Task for TellModerators {
    const NAME: &'static str = "tell-moderators";
}

/// The job. The messages that it calls for are known again by the event and its version.
pub(crate) fn tell_moderators(app: App) -> Job {
    Job::queued(move |task: TellModerators, _| {
        let app = app.clone();
        async move { app.tell_moderators(task).await }
    })
}

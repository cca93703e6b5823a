//! Gives up checkouts by events that have not come to an end in time. One that is led by this service has its saga's deadline.

use crate::app::App;
use chassis::jobs::Job;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(10);

/// The job.
pub(crate) fn give_up_overdue(app: App) -> Job {
    Job::every("give-up-overdue", EVERY, move |_| {
        let app = app.clone();
        async move { Ok(app.give_up_overdue().await?) }
    })
}

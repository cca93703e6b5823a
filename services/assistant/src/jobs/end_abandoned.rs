//! Ends reservations and answers that were left by a process that died.

use crate::app::App;
use chassis::jobs::Job;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(30);

/// The job.
pub(crate) fn end_abandoned(app: App) -> Job {
    Job::every("end-abandoned", EVERY, move |run| {
        let app = app.clone();
        async move {
            while app.end_abandoned().await? > 0 && !run.stop().is_stopping() {}
            Ok(())
        }
    })
}

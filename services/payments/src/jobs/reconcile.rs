//! Compares the provider's books with ours every so often.

use crate::app::App;
use chassis::jobs::Job;
use std::time::Duration;

/// The job.
pub(crate) fn reconcile(app: App, every: Duration) -> Job {
    Job::every("reconcile", every, move |run| {
        let app = app.clone();
        async move { Ok(app.reconcile(run.stop()).await?) }
    })
}

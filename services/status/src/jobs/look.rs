//! Looks at the services every so often. One instance does so, by the lease of the job; when it dies another one goes on when
//! the lease is over (`jobs.lease_ms`), and what nobody saw in between is not known.

use crate::app::App;
use chassis::jobs::{Job, Retry};
use std::time::Duration;

/// What a look may take besides waiting for answers.
const KEEPING: Duration = Duration::from_secs(20);

/// The job.
pub(crate) fn look(app: App) -> Job {
    let (every, deadline) = (app.every, app.patience + KEEPING);
    let once = Retry { tries: 1, ..Retry::FEW };
    let job = Job::every("look", every, move |run| {
        let app = app.clone();
        async move { Ok(app.look(&run).await?) }
    });
    job.deadline(deadline).jitter(Duration::ZERO).retry(once)
}

//! Ends alerts whose end was lost, and removes what was kept long enough.

use crate::app::App;
use chassis::jobs::Job;
use std::time::Duration;

const EXPIRE_EVERY: Duration = Duration::from_secs(300);
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

/// The job that ends alerts.
pub(crate) fn expire(app: App) -> Job {
    Job::every("expire-alerts", EXPIRE_EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.expire_alerts(run.stop()).await?) }
    })
}

/// The job that removes.
pub(crate) fn sweep(app: App) -> Job {
    Job::every("sweep", SWEEP_EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.sweep(run.stop()).await?) }
    })
}

//! Forgets webhooks whose signature has not held for long: they could not come again.

use crate::app::App;
use crate::store::webhook;
use chassis::jobs::Job;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(3_600);
/// Rows in one statement, so that none holds the database for long.
const BATCH: i64 = 500;

/// The job. What is older than `keep` is forgotten.
pub(crate) fn sweep(app: App, keep: Duration) -> Job {
    Job::every("sweep-webhooks", EVERY, move |run| {
        let app = app.clone();
        async move {
            let full = u64::try_from(BATCH).unwrap_or(u64::MAX);
            let before = app.clock.now() - keep;
            while webhook::delete_before(&app.db, before, BATCH).await? >= full && !run.stop().is_stopping() {
            }
            Ok(())
        }
    })
}

//! Forgets calls of models, and accounts, that no report shows any more.

use crate::app::App;
use crate::store::{account, call};
use chassis::jobs::Job;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(3_600);
/// Rows in one statement, so that none holds the database for long.
const BATCH: i64 = 500;

/// The job.
pub(crate) fn sweep(app: App) -> Job {
    Job::every("sweep-calls", EVERY, move |run| {
        let app = app.clone();
        async move {
            let full = u64::try_from(BATCH).unwrap_or(u64::MAX);
            let days = u64::from(app.config.keep_calls_days);
            let before = app.clock.now() - Duration::from_secs(days * 86_400);
            while call::delete_before(&app.db, before, BATCH).await? >= full && !run.stop().is_stopping() {}
            while account::delete_before(&app.db, before, BATCH).await? >= full && !run.stop().is_stopping() {
            }
            Ok(())
        }
    })
}

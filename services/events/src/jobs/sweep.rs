//! Removes the history of what was removed long ago.

use crate::app::App;
use crate::store::step::delete_of_removed;
use chassis::db::DbError;
use chassis::jobs::{Job, Run};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(3_600);
/// Events in one statement, so that none holds the database for long.
const BATCH: i64 = 100;

/// The job.
pub(crate) fn sweep(app: App) -> Job {
    Job::every("sweep", EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.sweep(&run).await?) }
    })
}

impl App {
    async fn sweep(&self, run: &Run) -> Result<(), DbError> {
        let before = self.clock.now() - self.keep_deleted;
        while !run.stop().is_stopping() && delete_of_removed(&self.db, before, BATCH).await? {}
        Ok(())
    }
}

//! Removes for good what has been in a bin long enough.

use crate::app::App;
use crate::store::todo;
use chassis::db::DbError;
use chassis::jobs::{Job, Run};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(3_600);
/// Rows in one statement, so that none holds the database for long.
const BATCH: u16 = 500;

/// The job.
pub(crate) fn empty_bins(app: App) -> Job {
    Job::every("empty-bins", EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.empty_bins(&run).await?) }
    })
}

impl App {
    async fn empty_bins(&self, run: &Run) -> Result<(), DbError> {
        let before = self.clock.now() - self.keep;
        while !run.stop().is_stopping() {
            let removed = todo::delete_binned(&self.db, before, i64::from(BATCH)).await?;
            metrics::counter!("todos_removed_total").increment(removed);
            if removed < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}

//! Removes what has been kept long enough.

use crate::app::App;
use crate::store::sweep::{delete_notifications, delete_orders};
use chassis::db::DbError;
use chassis::jobs::{Job, Run};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(3_600);
/// Rows in one statement.
const BATCH: u16 = 500;

/// The job.
pub(crate) fn sweep(app: App) -> Job {
    Job::every("sweep", EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.sweep(&run).await?) }
    })
}

impl App {
    async fn sweep(&self, run: &Run) -> Result<(), DbError> {
        let before = self.clock.now() - self.keep;
        while !run.stop().is_stopping() {
            let messages = delete_notifications(&self.db, before, i64::from(BATCH)).await?;
            let orders = delete_orders(&self.db, before, i64::from(BATCH)).await?;
            if messages.max(orders) < u64::from(BATCH) {
                break;
            }
        }
        Ok(())
    }
}

//! Removes carts whose time is over.

use crate::app::App;
use crate::store::cart;
use chassis::db::DbError;
use chassis::jobs::{Job, Run};
use metrics::counter;
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);
/// Rows in one statement, so that none holds the database for long.
const BATCH: i64 = 500;

/// The job.
pub(crate) fn sweep_carts(app: App) -> Job {
    Job::every("sweep-carts", EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.sweep_carts(&run).await?) }
    })
}

impl App {
    async fn sweep_carts(&self, run: &Run) -> Result<(), DbError> {
        loop {
            let removed = cart::delete_over(&self.db, self.clock.now(), BATCH).await?;
            counter!("orders_carts_swept_total").increment(removed);
            if run.stop().is_stopping() || removed < BATCH.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

//! Removes what has been kept long enough.

use super::{Channel, store};
use chassis::db::DbError;
use chassis::jobs::{Job, Run};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);
/// Messages in one statement.
const BATCH: i64 = 1_000;

/// The job.
pub(super) fn sweep(channel: Channel) -> Job {
    Job::every("sweep-live", EVERY, move |run| {
        let channel = channel.clone();
        async move { Ok(channel.sweep(&run).await?) }
    })
}

impl Channel {
    async fn sweep(&self, run: &Run) -> Result<(), DbError> {
        let before = self.clock.now() - self.keep;
        while !run.stop().is_stopping()
            && store::sweep(&self.db, before, BATCH).await? >= BATCH.unsigned_abs()
        {}
        Ok(())
    }
}

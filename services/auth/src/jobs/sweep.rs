//! Removes what no longer means anything: expired sessions with their tokens, used-up links, revocations of tokens that
//! have expired by themselves, forgotten failures, keys that verify nothing.

use crate::app::App;
use crate::domain::lockout::Schedule;
use crate::store::{invitation, key, login_failure, one_time_token, revocation, session};
use chassis::db::DbError;
use chassis::jobs::{Job, Run};
use std::time::Duration;

const EVERY: Duration = Duration::from_secs(60);
/// Rows in one statement, so that none holds the database for long.
const BATCH: i64 = 500;
/// Rows stay so much longer than they mean anything: clocks differ, and a reused token is told from a garbled one.
const SPARE: Duration = Duration::from_secs(24 * 3_600);

/// The job.
pub(crate) fn sweep(app: App) -> Job {
    Job::every("sweep", EVERY, move |run| {
        let app = app.clone();
        async move { Ok(app.sweep(&run).await?) }
    })
}

impl App {
    async fn sweep(&self, run: &Run) -> Result<(), DbError> {
        let before = self.clock.now() - SPARE;
        let forgotten = self.clock.now() - Schedule::ACCOUNT.remembers();
        loop {
            let removed = [
                ("sessions", session::delete_over(&self.db, before, BATCH).await?),
                ("one_time_tokens", one_time_token::delete_over(&self.db, before, BATCH).await?),
                ("invitations", invitation::delete_over(&self.db, before, BATCH).await?),
                ("revocations", revocation::delete_over(&self.db, before, BATCH).await?),
                ("login_failures", login_failure::delete_over(&self.db, forgotten, BATCH).await?),
                ("signing_keys", key::delete_over(&self.db, before).await?),
            ];
            for (table, count) in removed {
                metrics::counter!("auth_rows_swept_total", "table" => table).increment(count);
            }
            let full = u64::try_from(BATCH).unwrap_or(u64::MAX);
            if run.stop().is_stopping() || removed.iter().all(|(_, count)| *count < full) {
                return Ok(());
            }
        }
    }
}

//! One look at all services.

use super::App;
use crate::domain::uptime::{by_hour, covered};
use crate::prober::Seen;
use crate::store::incident;
use crate::store::service::{self, Last};
use anyhow::ensure;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use chassis::jobs::Run;
use futures_util::future::join_all;
use std::collections::BTreeSet;

impl App {
    /// Asks every service whether it is ready, keeps what they say, and opens and ends incidents.
    ///
    /// # Errors
    /// When the database fails, and when another instance has taken the work over: then nothing is kept.
    pub(crate) async fn look(&self, run: &Run) -> anyhow::Result<()> {
        let seen = join_all(self.watched.iter().map(|watched| watched.look(self.patience))).await;
        let now = self.clock.now();
        let mut t = self.db.begin().await?;
        ensure!(run.holds(&mut t).await?, "another instance looks");
        let mut subjects: BTreeSet<String> = incident::subjects(&mut t).await?.into_iter().collect();
        for (watched, seen) in self.watched.iter().zip(seen) {
            self.keep(&mut t, watched.name, &seen, now).await?;
            subjects.insert(watched.name.to_owned());
        }
        for subject in subjects {
            self.reconcile(&mut t, &subject, now).await?;
        }
        t.commit().await?;
        Ok(())
    }

    async fn keep(&self, t: &mut Tx, name: &'static str, seen: &Seen, now: Ts) -> Result<(), DbError> {
        let found = seen.found;
        let before = service::hold(t, name).await?;
        let mut since = now;
        if let Some(Last { found: was, since: was_since, looked_at }) = before {
            let (span, is_whole) = covered(looked_at, now, self.every);
            for (hour, ms) in by_hour(looked_at, span) {
                service::add(t, name, hour, was, ms).await?;
            }
            if was == found && is_whole {
                since = was_since;
            }
        }
        if before.is_none_or(|before| before.found != found) {
            tracing::info!(
                target_service = name,
                state = found.state().as_str(),
                why = seen.why,
                "a service was seen"
            );
        }
        service::write(t, name, Last { found, since, looked_at: now }).await
    }
}

//! Follows what is changed about keys, here and by other replicas, and forgets it in memory.

use super::{Keys, store};
use chassis::db::DbError;
use chassis::stop::Stop;
use contract::ids::ApiKeyId;
use std::pin::pin;
use std::sync::atomic::Ordering;
use tokio::time::sleep;

/// Changes that are read at once.
const AT_ONCE: i64 = 500;

/// The work, until the stop.
pub(super) async fn follow(keys: Keys, stop: Stop) -> anyhow::Result<()> {
    let mut away = false;
    while !stop.is_stopping() {
        let mut woken = pin!(keys.changed.woken());
        woken.as_mut().enable();
        match keys.look().await {
            Ok(true) => continue,
            Ok(false) => away = false,
            Err(error) if away => tracing::debug!(%error, "changes of API keys are still not heard of"),
            Err(error) => {
                away = true;
                tracing::warn!(%error, "changes of API keys are heard of later");
            }
        }
        tokio::select! {
            () = woken => {}
            () = sleep(keys.changed.patience()) => {}
            () = stop.stopping() => {}
        }
    }
    Ok(())
}

impl Keys {
    /// Forgets what was changed. Says whether there may be more.
    pub(super) async fn look(&self) -> Result<bool, DbError> {
        if !self.memory.in_use.load(Ordering::SeqCst) {
            // What was never read need not be forgotten.
            return Ok(false);
        }
        let after = self.seen.load(Ordering::Relaxed);
        let changed = store::changed(&self.db, after, AT_ONCE).await?;
        for (id, position) in &changed {
            self.memory.forget(ApiKeyId(*id));
            self.seen.store(*position, Ordering::Relaxed);
        }
        Ok(i64::try_from(changed.len()).is_ok_and(|read| read >= AT_ONCE))
    }
}

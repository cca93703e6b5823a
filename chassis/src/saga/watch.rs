//! What is looked after beside the work itself: gauges of what is open, and the removal of what has ended long ago.

use super::{Sagas, store_list};
use crate::db::DbError;
use crate::stop::Stop;
use metrics::gauge;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::sleep;

const GAUGES_EVERY: Duration = Duration::from_secs(5);
const REMOVE_EVERY: Duration = Duration::from_secs(600);

pub(super) async fn watch(sagas: &Sagas, stop: &Stop) {
    tokio::join!(count(sagas, stop), remove(sagas, stop));
}

async fn count(sagas: &Sagas, stop: &Stop) {
    // What was set once is set to nothing when there is none any more.
    let mut seen = HashMap::new();
    while !stop.is_stopping() {
        match store_list::count(&sagas.0.db).await {
            Ok(counts) => {
                seen.values_mut().for_each(|count| *count = 0);
                seen.extend(counts.into_iter().map(|(name, phase, count)| ((name, phase), count)));
                for ((name, phase), count) in &seen {
                    let service = sagas.0.db.service().to_owned();
                    let count = i32::try_from(*count).unwrap_or(i32::MAX);
                    gauge!("saga_open", "service" => service, "saga" => name.clone(), "state" => phase.as_str())
                        .set(f64::from(count));
                }
            }
            Err(error) => tracing::debug!(%error, "open sagas cannot be counted"),
        }
        tokio::select! {
            () = sleep(GAUGES_EVERY) => {}
            () = stop.stopping() => {}
        }
    }
}

async fn remove(sagas: &Sagas, stop: &Stop) {
    while !stop.is_stopping() {
        match remove_ended(sagas, stop).await {
            Ok(0) => {}
            Ok(removed) => tracing::info!(removed, "old sagas removed"),
            Err(error) => tracing::warn!(%error, "old sagas cannot be removed"),
        }
        tokio::select! {
            () = sleep(REMOVE_EVERY) => {}
            () = stop.stopping() => {}
        }
    }
}

async fn remove_ended(sagas: &Sagas, stop: &Stop) -> Result<u64, DbError> {
    let before = sagas.0.clock.now() - sagas.0.config.keep();
    let mut removed = 0;
    while !stop.is_stopping() {
        match store_list::remove_ended(&sagas.0.db, before).await? {
            0 => break,
            some => removed += some,
        }
    }
    Ok(removed)
}

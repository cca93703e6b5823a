//! Reads the signing keys again every second, so that a rotation by another process takes effect in this one.

use crate::app::App;
use chassis::stop::Stop;
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(1);

/// Runs until the stop. While the database is away the keys of before stay.
pub(crate) async fn reload_keys(app: App, stop: Stop) -> anyhow::Result<()> {
    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = stop.stopping() => return Ok(()),
        }
        match app.keys.reload(&app.db, app.clock.now()).await {
            // Verifiers that wait for the feed hear of the new set at once.
            Ok(true) => {
                app.views.keys_changed().await;
                app.news.all();
            }
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "the signing keys cannot be read; those of before stay"),
        }
    }
}

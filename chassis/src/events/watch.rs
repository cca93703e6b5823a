//! What is looked after beside the work itself: gauges of what waits, and the removal of old marks.

use super::EventsConfig;
use super::{inbox_store, outbox_store};
use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError};
use crate::stop::Stop;
use metrics::gauge;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

const GAUGES_EVERY: Duration = Duration::from_secs(5);
const FORGET_EVERY: Duration = Duration::from_secs(600);
/// Marks that are removed in one statement.
const FORGET_AT_ONCE: i64 = 5_000;
/// More than this is not counted: it would take long, and the age says the rest.
const COUNTED: i64 = 100_000;

/// Looks after the outbox and the inbox of one service.
#[derive(Debug)]
pub(crate) struct Watch {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) config: Arc<EventsConfig>,
    pub(crate) handlers: Vec<&'static str>,
}

impl Watch {
    pub(crate) async fn run(self, stop: Stop) {
        tokio::join!(self.gauge(&stop), self.forget(&stop));
    }

    async fn gauge(&self, stop: &Stop) {
        while !stop.is_stopping() {
            if let Err(error) = self.measure().await {
                tracing::debug!(%error, "the backlog of events cannot be measured");
            }
            tokio::select! {
                () = sleep(GAUGES_EVERY) => {}
                () = stop.stopping() => {}
            }
        }
    }

    async fn measure(&self) -> Result<(), DbError> {
        let service = || self.db.service().to_owned();
        let (waiting, oldest) = outbox_store::backlog(&self.db, COUNTED).await?;
        gauge!("outbox_pending", "service" => service()).set(waiting as f64);
        gauge!("outbox_oldest_age_seconds", "service" => service()).set(self.age(oldest));
        for handler in &self.handlers {
            let backlog = inbox_store::backlog(&self.db, handler, COUNTED).await?;
            let set = |name: &'static str, value: f64| {
                gauge!(name, "service" => service(), "handler" => *handler).set(value);
            };
            set("inbox_pending", backlog.pending as f64);
            set("inbox_dead_letters", backlog.dead as f64);
            set("inbox_oldest_age_seconds", self.age(backlog.oldest));
        }
        Ok(())
    }

    fn age(&self, oldest: Option<Ts>) -> f64 {
        let now = self.clock.now().micros();
        oldest.map_or(0.0, |at| now.saturating_sub(at.micros()).max(0) as f64 / 1e6)
    }

    async fn forget(&self, stop: &Stop) {
        while !stop.is_stopping() {
            let pause =
                match inbox_store::forget(&self.db, self.clock.now() - self.config.keep(), FORGET_AT_ONCE)
                    .await
                {
                    Ok(removed) if removed == FORGET_AT_ONCE as u64 => Duration::ZERO,
                    Ok(_) => FORGET_EVERY,
                    Err(error) => {
                        tracing::warn!(%error, "old marks of handled events cannot be removed");
                        FORGET_EVERY
                    }
                };
            tokio::select! {
                () = sleep(pause) => {}
                () = stop.stopping() => {}
            }
        }
    }
}

//! A request that carries an `Idempotency-Key` takes effect once, and its answer is given again.
//!
//! The layer reads the key and the body of every changing request; a handler that takes part has [`Once`] among its
//! parameters. That reserves the key in the service's own database, or answers at once: with the answer that was given
//! before, with 422 when the key stands for another request, with 409 while the first is at work. The handler hands its open
//! transaction and its reply to [`Once::commit`], which writes the answer into the record of the key and commits both.
//!
//! What must hold:
//! - Effect, events, mail and answer are one transaction: a key either is free, or has its answer.
//! - A key belongs to who asks, the method and the route's template. The same text of somebody else is another key.
//! - A reservation has a fence and a lease, which ends a little after the request's deadline. Only the holder of the fence
//!   can write the answer; a request that was overtaken is undone.
//! - An error frees the key, since nothing took effect. So do a panic, a client that goes away and a deadline, as soon as the
//!   worker comes to it; and when the whole process dies, the lease ends (an SQLite file is put in order at the start).
//! - [`Once`] stands behind whatever decides who asks and what they may: an answer is given again only to who may still ask.
//!
//! What it does not do: it makes nobody wait for the first request, it covers nothing outside of the transaction, and it keeps
//! no answer that holds a credential (such routes have no [`Once`]).

mod answer;
mod config;
mod key;
mod layer;
mod once;
mod request;
mod store;

pub use answer::Answer;
pub use config::IdempotencyConfig;
pub use key::IDEMPOTENCY_KEY;
pub(crate) use layer::KeyedLayer;
pub use once::Once;

use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError, Engine};
use crate::stop::Stop;
use metrics::counter;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use store::Claim;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

/// Claims that wait to be freed; the leases of more than that end by themselves.
const MOST_DROPPED: usize = 10_000;
/// Records that are removed in one statement.
const SWEPT_AT_ONCE: i64 = 1_000;

/// The keys of one service. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Idempotency(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    db: Db,
    clock: Clock,
    started: Ts,
    keep: Duration,
    sweep_every: Duration,
    dropped: Mutex<Vec<Claim>>,
    news: Notify,
}

impl Idempotency {
    /// The keys of the service whose database this is.
    #[must_use]
    pub fn new(config: &IdempotencyConfig, db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            db,
            started: clock.now(),
            clock,
            keep: config.keep(),
            sweep_every: config.sweep_every(),
            dropped: Mutex::default(),
            news: Notify::new(),
        }))
    }

    /// Frees what requests have left behind, and removes what is over, until the stop.
    pub(crate) async fn look_after(self, stop: Stop) {
        if self.0.db.engine() == Engine::Sqlite {
            // A file has one process: who reserved before it began is gone.
            let freed = store::free_unanswered(&self.0.db, self.0.started).await;
            self.tell(
                freed.map(|_| ()),
                "the keys of a process that died are not freed before their leases end",
            );
        }
        let mut ticks = interval(self.0.sweep_every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while !stop.is_stopping() {
            tokio::select! {
                () = self.0.news.notified() => self.free_dropped().await,
                _ = ticks.tick() => self.sweep().await,
                () = stop.stopping() => {}
            }
        }
        self.free_dropped().await;
    }

    /// Notes a claim whose request ended without a word.
    fn dropped(&self, claim: Claim) {
        let mut dropped = self.0.dropped.lock().unwrap_or_else(PoisonError::into_inner);
        if dropped.len() < MOST_DROPPED {
            dropped.push(claim);
            self.0.news.notify_one();
        }
    }

    async fn free_dropped(&self) {
        let dropped = std::mem::take(&mut *self.0.dropped.lock().unwrap_or_else(PoisonError::into_inner));
        for claim in dropped {
            self.free(claim).await;
        }
    }

    /// Frees a key whose request had no effect. When that fails, its lease ends.
    async fn free(&self, claim: Claim) {
        let freed = store::free(&self.0.db, claim).await;
        self.tell(freed, "a key is not freed before its lease ends");
    }

    async fn sweep(&self) {
        loop {
            match store::sweep(&self.0.db, self.0.clock.now(), SWEPT_AT_ONCE).await {
                Ok(removed) => {
                    counter!("idempotency_swept_total", "service" => self.0.db.service().to_owned())
                        .increment(removed);
                    if removed < SWEPT_AT_ONCE as u64 {
                        return;
                    }
                }
                Err(error) => {
                    return self.tell(Err(error), "records of keys whose time is over are not removed");
                }
            }
        }
    }

    fn tell(&self, outcome: Result<(), DbError>, consequence: &'static str) {
        if let Err(error) = outcome {
            tracing::warn!(service = self.0.db.service(), %error, "{consequence}");
        }
    }

    /// Counts how a request with a key went.
    fn count(&self, outcome: &'static str) {
        let service = self.0.db.service().to_owned();
        counter!("idempotency_requests_total", "service" => service, "outcome" => outcome).increment(1);
    }
}

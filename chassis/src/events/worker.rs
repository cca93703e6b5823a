//! Handling: what is in the inbox, in order by key.

use super::inbox_store::{self, Claimed, Failure};
use super::ingest::Ingest;
use super::subscription::{HandlerError, Subscription, Unhandled};
use super::{EventsConfig, pauses};
use crate::bus::Bus;
use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError, Engine, Tx};
use crate::lease::Shares;
use crate::stop::Stop;
use crate::telemetry::origin::Origin;
use contract::event::CloudEvent;
use futures_util::FutureExt;
use futures_util::future::join_all;
use metrics::{Histogram, counter, histogram};
use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};

const FAMILY: &str = "inbox";
/// How soon an event of an unknown version is looked at again: another release may run beside this one.
const PARKED_FOR: Duration = Duration::from_secs(30);
/// What is kept of an error, in bytes.
const LONGEST_ERROR: usize = 2_000;
/// What tells causes apart, in bytes.
const LONGEST_CAUSE: usize = 200;

/// What all subscriptions of a service share.
#[derive(Debug)]
pub(crate) struct Receiving {
    pub(super) db: Db,
    pub(super) bus: Bus,
    pub(super) clock: Clock,
    pub(super) config: Arc<EventsConfig>,
}

impl Receiving {
    pub(crate) fn new(db: Db, bus: Bus, clock: Clock, config: Arc<EventsConfig>) -> Self {
        Self { db, bus, clock, config }
    }

    /// Receives and handles the events of these subscriptions until the process stops. What is in hand is finished.
    pub(crate) async fn run(self, subscriptions: Vec<Subscription>, stop: Stop) {
        let names = subscriptions.iter().map(|subscription| subscription.name.to_owned()).collect();
        let shares = Shares::new(self.db.clone(), self.clock.clone(), FAMILY, names, self.config.lease());
        let working = subscriptions.into_iter().map(|subscription| {
            let arrived = Arc::new(Notify::new());
            let ingest = Ingest::new(&self, subscription.clone(), arrived.clone());
            let workers = Workers::new(&self, subscription, arrived);
            let (share, stop) = (shares.watch(), &stop);
            async move { tokio::join!(ingest.run(share, stop), workers.run(stop)) }
        });
        tokio::join!(shares.keep_until(&stop), join_all(working));
        shares.let_go().await;
    }
}

/// Handles the events of one subscription.
struct Workers {
    db: Db,
    clock: Clock,
    config: Arc<EventsConfig>,
    subscription: Subscription,
    arrived: Arc<Notify>,
    /// From the moment at which an event happened until its effect was committed.
    latency: Histogram,
    duration: Histogram,
}

/// How the handling of one event ended.
enum Outcome {
    Done,
    /// It failed and waits, and its key with it.
    Waits,
    /// It failed for good; the next of its key goes on.
    Dead,
    /// Another process has it.
    Taken,
}

impl Workers {
    fn new(from: &Receiving, subscription: Subscription, arrived: Arc<Notify>) -> Self {
        let record = |name: &'static str| histogram!(name, "service" => from.db.service().to_owned(), "handler" => subscription.name);
        Self {
            latency: record("events_latency_seconds"),
            duration: record("events_handle_duration_seconds"),
            db: from.db.clone(),
            clock: from.clock.clone(),
            config: from.config.clone(),
            subscription,
            arrived,
        }
    }

    async fn run(&self, stop: &Stop) {
        let side_by_side = match self.db.engine() {
            Engine::Sqlite => 1,
            Engine::Postgres => self.config.concurrency,
        };
        join_all((0..side_by_side).map(|_| self.work(stop))).await;
    }

    async fn work(&self, stop: &Stop) {
        let mut pause = pauses::after_failures();
        while !stop.is_stopping() {
            let wait = match self.round(stop).await {
                Ok(true) => {
                    pause = pauses::after_failures();
                    continue;
                }
                Ok(false) => self.config.poll(),
                Err(error) => {
                    tracing::warn!(handler = self.subscription.name, %error, "events cannot be handled");
                    pause.next().unwrap_or(pauses::LONGEST)
                }
            };
            tokio::select! {
                () = self.arrived.notified() => {}
                () = sleep(wait) => {}
                () = stop.stopping() => {}
            }
        }
    }

    /// Claims and handles one batch. Says whether there was one.
    async fn round(&self, stop: &Stop) -> Result<bool, DbError> {
        let now = self.clock.now();
        if !inbox_store::is_due(&self.db, self.subscription.name, now).await? {
            return Ok(false);
        }
        let (lease, most) = (now + self.config.claim(), i64::from(self.config.batch));
        let rows = inbox_store::claim(&self.db, self.subscription.name, now, lease, most).await?;
        if rows.is_empty() {
            return Ok(false);
        }
        if rows.len() as i64 == most {
            // There may be more, for a worker that sleeps.
            self.arrived.notify_one();
        }
        let first_try = rows.iter().all(|row| row.attempts == 1);
        if first_try && rows.len() > 1 && self.together(&rows, stop).await? {
            return Ok(true);
        }
        self.one_by_one(rows, stop).await?;
        Ok(true)
    }

    /// Handles as many as there is time for in one transaction. False when one of them failed: nothing is left of it.
    async fn together(&self, rows: &[Claimed], stop: &Stop) -> Result<bool, DbError> {
        let began = Instant::now();
        let mut t = self.db.begin().await?;
        let mut done = Vec::with_capacity(rows.len());
        let mut happened = Vec::with_capacity(rows.len());
        for row in rows {
            if !done.is_empty() && (began.elapsed() >= self.config.handler_timeout() || stop.is_stopping()) {
                break;
            }
            match self.handle(&mut t, row).await {
                Ok(at) => happened.push(at),
                Err(_) => {
                    t.rollback().await?;
                    return Ok(false);
                }
            }
            done.push(row.seq);
        }
        if t.flush().await.is_err() {
            // As when one of them failed: then it is found out which.
            t.rollback().await?;
            return Ok(false);
        }
        if inbox_store::mark_done(&mut t, &done, self.clock.now()).await? != done.len() as u64 {
            // Some are another's by now; what is still ours is tried one by one.
            t.rollback().await?;
            return Ok(false);
        }
        t.commit().await?;
        self.note_done(&happened);
        let left: Vec<i64> = rows[done.len()..].iter().map(|row| row.seq).collect();
        self.give_back(&left).await?;
        Ok(true)
    }

    async fn one_by_one(&self, rows: Vec<Claimed>, stop: &Stop) -> Result<(), DbError> {
        let began = Instant::now();
        let mut waiting = HashSet::new();
        let mut left = Vec::new();
        for (place, row) in rows.iter().enumerate() {
            let out_of_time = began.elapsed() >= self.config.handler_timeout() || stop.is_stopping();
            if waiting.contains(row.event_key.as_str()) || (place > 0 && out_of_time) {
                left.push(row.seq);
                continue;
            }
            match self.alone(row).await? {
                Outcome::Done | Outcome::Dead => {}
                Outcome::Waits | Outcome::Taken => drop(waiting.insert(row.event_key.as_str())),
            }
        }
        self.give_back(&left).await
    }

    async fn alone(&self, row: &Claimed) -> Result<Outcome, DbError> {
        // A process that dies while it handles an event leaves the attempt counted and nothing else.
        if row.attempts > i64::from(self.config.max_attempts) {
            let error = anyhow::anyhow!("the process ended during the last attempt");
            return self.failed(row, &HandlerError::reject(error)).await;
        }
        let mut t = self.db.begin().await?;
        let handled = match self.handle(&mut t, row).await {
            // What it has kept back to be written belongs to what it does.
            Ok(happened) => match t.flush().await {
                Ok(()) => Ok(happened),
                Err(error) => Err(Unhandled::Failed(error.into())),
            },
            failed => failed,
        };
        match handled {
            Ok(happened) => {
                if inbox_store::mark_done(&mut t, &[row.seq], self.clock.now()).await? == 0 {
                    t.rollback().await?;
                    return Ok(Outcome::Taken);
                }
                t.commit().await?;
                self.note_done(&[happened]);
                Ok(Outcome::Done)
            }
            Err(Unhandled::Failed(error)) => {
                t.rollback().await?;
                self.failed(row, &error).await
            }
            Err(Unhandled::Newer(error)) => {
                t.rollback().await?;
                tracing::warn!(handler = self.subscription.name, event = %row.event_id, %error, "event parked");
                self.ended_as("parked");
                let until = self.clock.now() + PARKED_FOR;
                inbox_store::park(&self.db, row, &format!("parked: {error}"), until).await?;
                Ok(Outcome::Waits)
            }
        }
    }

    /// Runs the handler within its time, under the trace of the event. A handler that panics has failed.
    async fn handle(&self, t: &mut Tx, row: &Claimed) -> Result<Ts, Unhandled> {
        let envelope = CloudEvent::from_json(row.body.as_bytes())
            .map_err(|error| Unhandled::Failed(HandlerError::reject(error)))?;
        let happened = Ts::from_datetime(envelope.time);
        let origin = Origin::caused_by(envelope.traceparent.as_deref(), envelope.correlation_id.as_deref());
        let span = tracing::info_span!(
            "event",
            otel.name = %row.kind,
            otel.kind = "consumer",
            service = self.db.service(),
            handler = self.subscription.name,
            event = %row.event_id,
            correlation_id = %origin.correlation_id,
            trace_id = %origin.trace.trace_id(),
        );
        let began = Instant::now();
        let attempt = u32::try_from(row.attempts).unwrap_or(u32::MAX);
        let handling = AssertUnwindSafe(self.subscription.handle(t, envelope, attempt)).catch_unwind();
        let handled = origin.scope(span, timeout(self.config.handler_timeout(), handling)).await;
        self.duration.record(began.elapsed());
        let failed = |error: anyhow::Error| Err(Unhandled::Failed(error.into()));
        match handled {
            Ok(Ok(outcome)) => outcome.map(|()| happened),
            Ok(Err(_)) => failed(anyhow::anyhow!("the handler panicked")),
            Err(_) => {
                failed(anyhow::anyhow!("the handler took longer than {} ms", self.config.handler_timeout_ms))
            }
        }
    }

    async fn failed(&self, row: &Claimed, failure: &HandlerError) -> Result<Outcome, DbError> {
        let chain = format!("{:#}", failure.error);
        let (cause, error) = (cut(&failure.error.to_string(), LONGEST_CAUSE), cut(&chain, LONGEST_ERROR));
        let now = self.clock.now();
        let noted = Failure { at: now, attempt: row.attempts, error: &error };
        let (handler, event, attempt) = (self.subscription.name, row.event_id, row.attempts);
        if failure.hopeless || attempt >= i64::from(self.config.max_attempts) {
            if inbox_store::mark_dead(&self.db, row, &cause, &noted).await? {
                self.ended_as("dead");
                tracing::error!(handler, %event, attempt, error, "event given up: it is a dead letter now");
            }
            return Ok(Outcome::Dead);
        }
        let pause = pauses::before_retry(attempt, self.config.first_pause(), self.config.longest_pause());
        self.ended_as("retry");
        tracing::warn!(handler, %event, attempt, error, retry_in = ?pause, "event not handled");
        inbox_store::mark_failed(&self.db, row, &cause, &noted, now + pause).await?;
        Ok(Outcome::Waits)
    }

    async fn give_back(&self, rows: &[i64]) -> Result<(), DbError> {
        if rows.is_empty() {
            return Ok(());
        }
        inbox_store::release(&self.db, rows, self.clock.now()).await
    }

    fn note_done(&self, happened: &[Ts]) {
        let now = self.clock.now().micros();
        for at in happened {
            self.latency.record(now.saturating_sub(at.micros()).max(0) as f64 / 1e6);
        }
        self.outcomes("done").increment(happened.len() as u64);
    }

    fn ended_as(&self, outcome: &'static str) {
        self.outcomes(outcome).increment(1);
    }

    fn outcomes(&self, outcome: &'static str) -> metrics::Counter {
        let service = self.db.service().to_owned();
        counter!("events_handled_total", "service" => service, "handler" => self.subscription.name, "outcome" => outcome)
    }
}

fn cut(text: &str, longest: usize) -> String {
    text.get(..text.floor_char_boundary(longest)).unwrap_or(text).to_owned()
}

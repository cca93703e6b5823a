//! Loads under way: one a key, run outside of any request, joined by whoever needs what it brings.
//!
//! A reader joins a load only when nothing was invalidated since that load began; otherwise a new one takes its place.

use super::entry::{Entry, Standing};
use super::epochs::Stamps;
use super::failed::LoadFailed;
use super::key::Key;
use super::policy::Policy;
use super::shared::{Look, Record, Ticket};
use super::{Inner, Keepable};
use crate::http::InHand;
use futures_util::FutureExt;
use metrics::counter;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;
use tokio::sync::watch;
use tokio::time::timeout;
use uuid::Uuid;

/// Why something is loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    /// Nobody has a copy.
    Miss,
    /// A copy comes to the end of its time.
    Early,
    /// A copy is over its time and given out meanwhile.
    Stale,
}

impl Why {
    const fn label(self) -> &'static str {
        match self {
            Self::Miss => "miss",
            Self::Early => "early",
            Self::Stale => "stale",
        }
    }
}

type Outcome<T> = Result<Arc<Entry<T>>, LoadFailed>;

struct Flight<T> {
    id: u64,
    stamps: Stamps,
    ended: watch::Receiver<Option<Outcome<T>>>,
}

pub(super) struct Flights<T> {
    under_way: Mutex<HashMap<Arc<str>, Flight<T>>>,
    last: AtomicU64,
}

impl<T> Default for Flights<T> {
    fn default() -> Self {
        Self { under_way: Mutex::default(), last: AtomicU64::new(0) }
    }
}

impl<T> Flights<T> {
    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Flight<T>>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits for the end of a load. Dropping it leaves the load alone.
pub(super) struct Waiting<T>(watch::Receiver<Option<Outcome<T>>>);

impl<T> Waiting<T> {
    /// For what is there already.
    fn over(entry: Arc<Entry<T>>) -> Self {
        Self(watch::channel(Some(Ok(entry))).1)
    }

    pub(super) async fn wait(mut self) -> Outcome<T> {
        match self.0.wait_for(Option::is_some).await.as_deref() {
            Ok(Some(outcome)) => outcome.clone(),
            Ok(None) | Err(_) => Err(LoadFailed::unavailable("the load was cut off")),
        }
    }
}

/// Frees the key, however the load ends.
struct Landing<T: Keepable> {
    inner: Arc<Inner<T>>,
    name: Arc<str>,
    id: u64,
}

impl<T: Keepable> Drop for Landing<T> {
    fn drop(&mut self) {
        let mut under_way = self.inner.flights.lock();
        if under_way.get(&self.name).is_some_and(|flight| flight.id == self.id) {
            under_way.remove(&self.name);
        }
    }
}

impl<T: Keepable> Inner<T> {
    /// Begins a load, or joins the one that is under way. One that has landed since the reader looked has brought what it
    /// wants: a copy is kept before its load is not under way any more.
    pub(super) fn start<F, Fut, E>(self: &Arc<Self>, key: Key, why: Why, load: F) -> Waiting<T>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T>, E>> + Send,
        E: Into<LoadFailed>,
    {
        let qualified = key.qualified(self.name);
        let mut under_way = self.flights.lock();
        if let Some(flight) = under_way.get(key.name())
            && self.core.epochs.hold(&flight.stamps)
        {
            return Waiting(flight.ended.clone());
        }
        let is_fresh = |entry: &Arc<Entry<T>>| {
            entry.standing(self.core.clock.now(), self.cap(), &self.policy) == Standing::Fresh
        };
        if let Some(landed) = self.kept(key.name()).filter(is_fresh) {
            return Waiting::over(landed);
        }
        let name: Arc<str> = key.name().into();
        let id = self.flights.last.fetch_add(1, Ordering::Relaxed);
        let stamps = self.core.epochs.stamps(&qualified, key.tags());
        let (end, ended) = watch::channel(None);
        let flight = Flight { id, stamps: stamps.clone(), ended: ended.clone() };
        under_way.insert(Arc::clone(&name), flight);
        drop(under_way);
        let landing = Landing { inner: Arc::clone(self), name, id };
        let work = async move {
            let inner = Arc::clone(&landing.inner);
            let (outcome, fill) = inner.fly(&key, &qualified, stamps, why, load).await;
            drop(landing);
            end.send_replace(Some(outcome));
            // Nobody waits for Redis.
            if let (Some((ticket, record)), Some(shared)) = (fill, inner.shared()) {
                shared.fill(&qualified, ticket, &record, inner.policy.longest()).await;
            }
        };
        self.core.spawn(InHand::behind().go_on(work));
        Waiting(ended)
    }

    /// Looks into Redis, loads, and keeps what there is. Says what Redis is to be given, and in place of what.
    async fn fly<F, Fut, E>(
        &self,
        key: &Key,
        qualified: &str,
        stamps: Stamps,
        why: Why,
        load: F,
    ) -> (Outcome<T>, Option<(Ticket, Record<Arc<T>>)>)
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T>, E>> + Send,
        E: Into<LoadFailed>,
    {
        let known = self.kept(key.name());
        let mut ticket = None;
        if let Some(shared) = self.shared() {
            match shared.look::<T>(qualified, key.tags()).await {
                Look::Found(record, instead) => {
                    let entry = self.entry(&record, stamps.clone());
                    let now = self.core.clock.now();
                    let newer = known.as_ref().is_none_or(|known| known.loaded < entry.loaded);
                    if newer && now < entry.fresh_until(None) {
                        self.counts.shared_hits.increment(1);
                        self.keep(key.name(), &entry);
                        return (Ok(entry), None);
                    }
                    if newer && entry.value.is_some() {
                        // Over its time; good for when the source does not answer.
                        self.keep(key.name(), &entry);
                    }
                    ticket = Some(instead);
                }
                Look::Leased(lease) => ticket = Some(lease),
                Look::Nothing => {}
            }
        }
        let (asked, began) = (self.core.clock.now(), Instant::now());
        let loaded = run(&self.policy, load).await;
        self.counts.seconds.record(began.elapsed());
        let value = match loaded {
            Ok(value) => value.map(Arc::new),
            Err(failed) => {
                self.count_load(why, "failed");
                let now = self.core.clock.now();
                let may_pass = failed.is_unavailable();
                self.kept(key.name()).iter().for_each(|entry| entry.failed_at(now, may_pass));
                tracing::debug!(cache = self.name, error = %cause(&failed), "a load failed");
                return (Err(failed), None);
            }
        };
        let fresh_for = self.policy.fresh_for(value.is_some(), chance());
        let (now, absent) = (self.core.clock.now(), value.is_none());
        let record = Record::new(value.clone(), asked, fresh_for);
        let entry = Arc::new(Entry::new(value, (asked, now), fresh_for, stamps));
        if !self.core.epochs.hold(&entry.stamps) {
            // Who waits began before the invalidation ended and may be given it; nobody else is.
            self.count_load(why, "outdated");
            return (Ok(entry), None);
        }
        self.count_load(why, if absent { "absent" } else { "loaded" });
        self.keep(key.name(), &entry);
        let fill = ticket.filter(|_| fresh_for > std::time::Duration::ZERO).map(|ticket| (ticket, record));
        (Ok(entry), fill)
    }

    /// A copy that came from Redis.
    fn entry(&self, record: &Record<Arc<T>>, stamps: Stamps) -> Arc<Entry<T>> {
        let times = (record.loaded(), self.core.clock.now());
        Arc::new(Entry::new(record.value.clone(), times, record.fresh_for(), stamps))
    }

    fn count_load(&self, why: Why, outcome: &'static str) {
        let (service, cache, why) = (self.core.service, self.name, why.label());
        counter!("cache_loads_total", "service" => service, "cache" => cache, "why" => why, "outcome" => outcome)
            .increment(1);
    }
}

/// Runs a load for as long as it may take, panics caught.
pub(super) async fn run<T, F, Fut, E>(policy: &Policy, load: F) -> Result<Option<T>, LoadFailed>
where
    F: FnOnce() -> Fut + Send,
    Fut: Future<Output = Result<Option<T>, E>> + Send,
    E: Into<LoadFailed>,
{
    let loading = AssertUnwindSafe(async move { load().await }).catch_unwind();
    match timeout(policy.load_within, loading).await {
        Ok(Ok(loaded)) => loaded.map_err(Into::into),
        Ok(Err(panic)) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
            Err(LoadFailed::failed(format!("panic: {text}")))
        }
        Err(_) => Err(LoadFailed::unavailable("the load took too long")),
    }
}

/// Anything between 0 and 1.
fn chance() -> f64 {
    f64::from(Uuid::new_v4().as_fields().0) / f64::from(u32::MAX)
}

fn cause(failed: &LoadFailed) -> String {
    std::error::Error::source(failed).map(ToString::to_string).unwrap_or_default()
}

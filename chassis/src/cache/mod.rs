//! Copies of what is costly to get, with a time to live, in the process and behind it in Redis.
//!
//! ```ignore
//! let users = context.cache::<User>("users", Policy::of(Duration::from_secs(60)))?;
//! let db = db.clone();
//! let user = users.get_or_load(id.to_string(), move || async move { find(&db, id).await }).await?;
//! users.invalidate_after(&mut tx, id.to_string());
//! ```
//!
//! What must hold:
//! - A reader that begins after [`Cache::invalidate`] has begun in this process, or after a transaction with
//!   [`Cache::invalidate_after`] was committed here, never gets what was loaded before: not from this process, not from
//!   Redis, not from a load that was under way.
//! - A load that began before an invalidation ended stores nothing that outlives it, in no instance: in the process each
//!   copy carries the epochs of its key and tags (`epochs`), in Redis it takes the place of exactly what its loader
//!   found there (`shared`).
//! - Other instances are told through Redis. Where they cannot be heard (no Redis, or it is away) a copy is good for
//!   `cache.alone_ms` only, and in any case no copy is given out as fresh longer than its time to live after its source
//!   was asked.
//! - One load a key runs in a process at a time. It belongs to no request: a reader that goes away harms nobody, no
//!   reader's identity or deadline is in it, and one that fails, panics or takes too long frees the key.
//! - A copy that is older than its time to live is marked as such ([`Freshness`]).
//! - Memory in the process is bounded by [`Policy::max_entries`].
//!
//! What it does not do: it decides no permission. A key names everything on which the answer depends, the person who
//! asks too, and what is looked up stays in the scope of the query.

mod config;
mod entry;
mod epochs;
mod failed;
mod flight;
mod key;
mod outgoing;
mod policy;
mod registry;
mod shared;
mod write;

pub use config::CacheConfig;
pub use entry::{Because, Cached, Freshness};
pub use failed::LoadFailed;
pub use key::Key;
pub use policy::Policy;
pub use registry::Caches;
pub(crate) use registry::Core;
pub use write::Write;

use crate::db::Tx;
use crate::state::{Invalidation, StateError};
use entry::{Entry, Standing};
use flight::{Flights, Why};
use metrics::{Counter, Histogram, counter, histogram};
use moka::notification::RemovalCause;
use registry::{Forgetting, Named};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

/// What can be kept: it goes to Redis and back as JSON.
pub trait Keepable: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Keepable for T {}

/// Copies of one kind of thing, made by [`Context::cache`](crate::service::Context::cache). Cheap to clone; clones share
/// everything.
pub struct Cache<T>(Arc<Inner<T>>);

struct Inner<T> {
    name: &'static str,
    policy: Policy,
    core: Arc<Core>,
    kept: moka::sync::Cache<Arc<str>, Arc<Entry<T>>>,
    flights: Flights<T>,
    counts: Counts,
}

/// What is counted on the way of every read, looked up once.
struct Counts {
    hits: Counter,
    shared_hits: Counter,
    misses: Counter,
    revalidating: Counter,
    failed: Counter,
    seconds: Histogram,
}

impl<T> Clone for Cache<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T: Keepable> Cache<T> {
    fn new(core: Arc<Core>, name: &'static str, policy: Policy) -> Self {
        let service = core.service;
        let evictions = counter!("cache_evictions_total", "service" => service, "cache" => name);
        let kept = moka::sync::Cache::builder()
            .max_capacity(policy.max_entries)
            .expire_after(entry::Retention(policy))
            .eviction_listener(move |_, _, cause| {
                if cause == RemovalCause::Size {
                    evictions.increment(1);
                }
            })
            .build();
        let labels = [("service", service), ("cache", name)];
        let hits =
            |level| counter!("cache_hits_total", "service" => service, "cache" => name, "level" => level);
        let stale = |why| counter!("cache_stale_total", "service" => service, "cache" => name, "why" => why);
        let counts = Counts {
            hits: hits("process"),
            shared_hits: hits("redis"),
            misses: counter!("cache_misses_total", &labels),
            revalidating: stale("revalidating"),
            failed: stale("failed"),
            seconds: histogram!("cache_load_seconds", &labels),
        };
        Self(Arc::new(Inner { name, policy, core, kept, flights: Flights::default(), counts }))
    }

    /// The copy of a key, or what `load` says, which is then kept. `None` says that there is no such thing: that is kept
    /// too, for [`Policy::negative`].
    ///
    /// `load` runs outside of the request that asks, at most once at a time for a key, and not at all for whoever comes
    /// while it runs. It must get everything from its key: what it says is given to everybody who asks for that.
    ///
    /// # Errors
    /// What `load` failed with, or that it panicked or took longer than [`Policy::load_within`], when there is no older
    /// copy that [`Policy::stale_if_error`] allows to give instead.
    pub async fn get_or_load<F, Fut, E>(
        &self,
        key: impl Into<Key>,
        load: F,
    ) -> Result<Option<Cached<T>>, LoadFailed>
    where
        F: FnOnce() -> Fut + Send + 'static,
        Fut: Future<Output = Result<Option<T>, E>> + Send,
        E: Into<LoadFailed>,
    {
        let (inner, key) = (&self.0, key.into());
        if !inner.core.config.enabled {
            inner.counts.misses.increment(1);
            let now = inner.core.clock.now();
            let value = flight::run(&inner.policy, load).await?;
            return Ok(value.map(|value| Cached::just_loaded(Arc::new(value), inner.http(), now)));
        }
        let now = inner.core.clock.now();
        if let Some(entry) = inner.kept(key.name()) {
            match entry.standing(now, inner.cap(), &inner.policy) {
                Standing::Fresh => {
                    inner.counts.hits.increment(1);
                    return Ok(inner.give(&entry, Freshness::Fresh));
                }
                Standing::Early => {
                    inner.counts.hits.increment(1);
                    drop(inner.start(key, Why::Early, load));
                    return Ok(inner.give(&entry, Freshness::Fresh));
                }
                Standing::Stale { because, again } => {
                    inner.count_stale(because);
                    if again {
                        drop(inner.start(key, Why::Stale, load));
                    }
                    let age = now.since(entry.loaded);
                    return Ok(inner.give(&entry, Freshness::Stale { age, because }));
                }
                Standing::Over => {}
            }
        }
        inner.counts.misses.increment(1);
        let name = Arc::<str>::from(key.name());
        match inner.start(key, Why::Miss, load).wait().await {
            Ok(entry) => Ok(inner.give(&entry, Freshness::Fresh)),
            Err(failed) if failed.is_unavailable() => inner.bridge(&name).ok_or(failed),
            Err(failed) => Err(failed),
        }
    }

    /// Forgets the copies of a key, here at once, elsewhere as soon as Redis hands it on. To be called after the change is
    /// committed.
    ///
    /// # Errors
    /// When Redis is away: other instances have not been told yet. That is tried again until it succeeds or the process
    /// ends, and meanwhile this process takes nothing of that key from Redis.
    pub async fn invalidate(&self, key: impl Into<Key>) -> Result<(), StateError> {
        self.0.core.invalidate(self.of_key(key)).await
    }

    /// Forgets the copies, in all caches of the service, that carry a tag; otherwise as [`Cache::invalidate`].
    ///
    /// # Errors
    /// As [`Cache::invalidate`].
    pub async fn invalidate_tag(&self, tag: impl Into<String>) -> Result<(), StateError> {
        self.0.core.invalidate(of_tag(tag)).await
    }

    /// Forgets the copies of a key when the transaction is committed, and also when it is dropped, as then nobody knows.
    /// A process that dies right after the commit tells nobody: where that must not be, an event does
    /// ([`Parts::invalidates`](crate::service::Parts::invalidates)).
    pub fn invalidate_after(&self, tx: &mut Tx, key: impl Into<Key>) {
        self.forget_after(tx, self.of_key(key));
    }

    /// Forgets the copies that carry a tag; otherwise as [`Cache::invalidate_after`].
    pub fn invalidate_tag_after(&self, tx: &mut Tx, tag: impl Into<String>) {
        self.forget_after(tx, of_tag(tag));
    }

    /// The invalidation of a key, for [`Parts::invalidates`](crate::service::Parts::invalidates). That of a tag is the same
    /// for all caches: `Invalidation { tags, ..Invalidation::default() }`.
    pub fn of_key(&self, key: impl Into<Key>) -> Invalidation {
        let key = key.into();
        Invalidation { keys: vec![key.qualified(self.0.name)], tags: Vec::new() }
    }

    /// How many copies there are in the process.
    #[must_use]
    pub fn entries(&self) -> u64 {
        self.0.tidy()
    }

    /// The cache's way to tell everybody, its type put aside.
    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.0.core
    }

    fn forget_after(&self, tx: &mut Tx, invalidation: Invalidation) {
        // Dropped with the transaction or called after its commit: both forget.
        let forgetting = Forgetting::new(Arc::clone(&self.0.core), invalidation);
        tx.after_commit(move || drop(forgetting));
    }
}

/// The invalidation of a tag.
fn of_tag(tag: impl Into<String>) -> Invalidation {
    Invalidation { keys: Vec::new(), tags: vec![tag.into()] }
}

impl<T: Keepable> Inner<T> {
    /// What is kept and has not been invalidated.
    fn kept(&self, name: &str) -> Option<Arc<Entry<T>>> {
        self.kept.get(name).filter(|entry| self.core.epochs.hold(&entry.stamps))
    }

    fn keep(&self, name: &str, entry: &Arc<Entry<T>>) {
        if entry.retention(&self.policy) > Duration::ZERO {
            self.kept.insert(name.into(), Arc::clone(entry));
        }
    }

    /// For how long a copy is good at most now, whatever its time to live.
    fn cap(&self) -> Option<Duration> {
        (self.policy.shared && !self.core.state.hears_others()).then(|| self.core.config.alone())
    }

    fn http(&self) -> entry::Http {
        entry::Http { policy: self.policy, cache: self.name }
    }

    fn give(&self, entry: &Entry<T>, freshness: Freshness) -> Option<Cached<T>> {
        let now = self.core.clock.now();
        let left = entry.fresh_until(self.cap()).since(now);
        entry
            .value
            .clone()
            .map(|value| Cached::new(value, self.http(), now.since(entry.loaded), left, freshness))
    }

    /// An older copy in place of a failure, when there is one.
    fn bridge(&self, name: &str) -> Option<Option<Cached<T>>> {
        let now = self.core.clock.now();
        let entry = self.kept(name).filter(|entry| entry.bridges(now, &self.policy))?;
        self.count_stale(Because::Failed);
        let freshness = Freshness::Stale { age: now.since(entry.loaded), because: Because::Failed };
        Some(self.give(&entry, freshness))
    }

    fn count_stale(&self, because: Because) {
        match because {
            Because::Revalidating => self.counts.revalidating.increment(1),
            Because::Failed => self.counts.failed.increment(1),
        }
    }
}

impl<T: Keepable> Named for Inner<T> {
    fn name(&self) -> &'static str {
        self.name
    }

    fn tidy(&self) -> u64 {
        self.kept.run_pending_tasks();
        self.kept.entry_count()
    }
}

impl<T> std::fmt::Debug for Cache<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("name", &self.0.name)
            .field("policy", &self.0.policy)
            .finish_non_exhaustive()
    }
}

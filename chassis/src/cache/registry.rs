//! What the caches of one service share: what was invalidated, what has to be told, and the loads.

use super::config::CacheConfig;
use super::epochs::Epochs;
use super::outgoing::{Deed, Outgoing};
use super::shared::Shared;
use super::{Cache, Inner, Keepable, Policy};
use crate::clock::Clock;
use crate::resilience::Gate;
use crate::state::{Invalidation, Invalidations, Stale, State, StateEngine, StateError};
use crate::stop::Stop;
use anyhow::Context as _;
use futures_util::future::BoxFuture;
use metrics::{counter, gauge};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// After a failure Redis is asked for no copy for this long.
const PAUSE: Duration = Duration::from_millis(500);

/// How often copies that are over are removed and the gauges are set.
const TIDY_EVERY: Duration = Duration::from_secs(5);
/// How long the stop waits for Redis to be told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// The caches of one service. Cheap to clone; clones share everything.
#[derive(Clone)]
pub struct Caches {
    service: &'static str,
    config: CacheConfig,
    state: State,
    clock: Clock,
    /// Made with the first cache: a service without any spends nothing.
    core: Arc<OnceLock<Arc<Core>>>,
}

pub(crate) struct Core {
    pub(super) service: &'static str,
    pub(super) config: CacheConfig,
    pub(super) state: State,
    pub(super) clock: Clock,
    pub(super) epochs: Epochs,
    pub(super) gate: Gate,
    /// None where nobody else is: without Redis.
    pub(super) outgoing: Option<Arc<Outgoing>>,
    runtime: Handle,
    tasks: Mutex<JoinSet<()>>,
    named: Mutex<Vec<Arc<dyn Named>>>,
    /// Until the worker takes it: nothing is missed before it begins.
    news: Mutex<Option<Invalidations>>,
}

/// A cache, its type put aside.
pub(super) trait Named: Send + Sync {
    fn name(&self) -> &'static str;

    /// Removes what is over and tells how many copies there are.
    fn tidy(&self) -> u64;
}

impl Caches {
    /// The caches of a service, none at first.
    #[must_use]
    pub fn new(service: &'static str, config: CacheConfig, state: State, clock: Clock) -> Self {
        Self { service, config, state, clock, core: Arc::default() }
    }

    /// Makes a cache. Its name is unique in the service and stays the same in every release that shares a Redis: it stands
    /// in the names there and in the labels of metrics.
    ///
    /// # Errors
    /// When the name is taken or not made of lower-case letters, digits and `-`, when the policy makes no sense, and
    /// outside of a runtime.
    pub fn make<T: Keepable>(&self, name: &'static str, policy: Policy) -> anyhow::Result<Cache<T>> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        anyhow::ensure!(
            !name.is_empty() && name.chars().all(plain),
            "the cache {name:?} needs a name of lower-case letters, digits and -"
        );
        policy.check().with_context(|| format!("the cache {name:?}"))?;
        let core = Arc::clone(self.core()?);
        let mut named = core.lock(&core.named);
        anyhow::ensure!(named.iter().all(|other| other.name() != name), "there are two caches {name:?}");
        let cache = Cache::new(Arc::clone(&core), name, policy);
        named.push(Arc::clone(&cache.0) as Arc<dyn Named>);
        drop(named);
        Ok(cache)
    }

    fn core(&self) -> anyhow::Result<&Arc<Core>> {
        if let Some(core) = self.core.get() {
            return Ok(core);
        }
        let runtime = Handle::try_current().context("a cache is made inside of a runtime")?;
        let alone = self.state.engine() == StateEngine::Process;
        let make = || {
            let (service, state) = (self.service, self.state.clone());
            Arc::new(Core {
                service,
                config: self.config.clone(),
                news: Mutex::new(Some(state.invalidations())),
                outgoing: (!alone).then(|| Arc::new(Outgoing::new(service, state.clone()))),
                state,
                clock: self.clock.clone(),
                epochs: Epochs::new(),
                gate: Gate::new(PAUSE),
                runtime,
                tasks: Mutex::default(),
                named: Mutex::default(),
            })
        };
        Ok(self.core.get_or_init(make))
    }

    /// The work behind them, when there are any: to hear what others change.
    pub(crate) fn work(
        &self,
    ) -> Option<impl FnOnce(Stop) -> BoxFuture<'static, anyhow::Result<()>> + Send + 'static> {
        let core = Arc::clone(self.core.get()?);
        Some(move |stop| -> BoxFuture<'static, anyhow::Result<()>> { Box::pin(core.work(stop)) })
    }

    /// Hears what others change, until the stop. For whoever has no service to do it.
    pub async fn hear(self, stop: Stop) {
        if let Some(work) = self.work() {
            // It has no way to fail.
            drop(work(stop).await);
        }
    }
}

impl fmt::Debug for Caches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caches").field("service", &self.service).finish_non_exhaustive()
    }
}

impl Core {
    fn lock<'a, V>(&self, mutex: &'a Mutex<V>) -> MutexGuard<'a, V> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something in the background, as long as the caches are there.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(work, &self.runtime);
    }

    /// Forgets here at once, and has the others told.
    pub(super) fn forget(&self, invalidation: Invalidation) {
        self.count(&invalidation);
        self.epochs.forget(&invalidation);
        let Invalidation { keys, tags } = invalidation;
        self.tell(keys.into_iter().map(|key| (key, Deed::Remove)).collect(), tags);
    }

    /// Has the others told; forgetting here is the caller's.
    pub(super) fn tell(&self, keys: Vec<(String, Deed)>, tags: Vec<String>) {
        if let Some(outgoing) = &self.outgoing
            && outgoing.note(keys, tags)
        {
            let outgoing = Arc::clone(outgoing);
            self.spawn(async move { outgoing.tell().await });
        }
    }

    pub(crate) async fn invalidate(&self, invalidation: Invalidation) -> Result<(), StateError> {
        self.forget(invalidation);
        match &self.outgoing {
            None => Ok(()),
            Some(outgoing) => outgoing.ask().await.unwrap_or(Err(StateError::Closed)),
        }
    }

    fn count(&self, invalidation: &Invalidation) {
        let of = |what| counter!("cache_invalidations_total", "service" => self.service, "what" => what);
        for (what, list) in [("key", &invalidation.keys), ("tag", &invalidation.tags)] {
            if !list.is_empty() {
                of(what).increment(list.len() as u64);
            }
        }
    }

    fn hear(&self, stale: &Stale) {
        match stale {
            Stale::These(these) => {
                self.count(these);
                self.epochs.forget(these);
            }
            Stale::Everything => {
                let (service, what) = (self.service, "everything");
                counter!("cache_invalidations_total", "service" => service, "what" => what).increment(1);
                self.epochs.forget_everything();
            }
        }
    }

    async fn work(self: Arc<Self>, stop: Stop) -> anyhow::Result<()> {
        let Some(mut news) = self.lock(&self.news).take() else { return Ok(()) };
        let mut ticks = interval(TIDY_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut stopping = std::pin::pin!(stop.stopping());
        loop {
            tokio::select! {
                stale = news.next() => self.hear(&stale),
                _ = ticks.tick() => self.tidy(),
                () = &mut stopping => break,
            }
        }
        if let Some(outgoing) = &self.outgoing
            && timeout(LAST_WORDS, outgoing.settled()).await.is_err()
        {
            tracing::warn!("Redis was not told of every change; copies there end by their time");
        }
        Ok(())
    }

    fn tidy(&self) {
        let named: Vec<_> = self.lock(&self.named).clone();
        for cache in named {
            let entries = cache.tidy();
            gauge!("cache_entries", "service" => self.service, "cache" => cache.name()).set(entries as f64);
        }
    }
}

impl<T: Keepable> Inner<T> {
    /// The copies in Redis, where there are any.
    pub(super) fn shared(&self) -> Option<Shared<'_>> {
        let used = self.policy.shared && self.core.config.shared && self.core.outgoing.is_some();
        used.then(|| Shared(&self.core))
    }
}

/// Forgets when it is dropped.
pub(super) struct Forgetting(Option<(Arc<Core>, Invalidation)>);

impl Forgetting {
    pub(super) fn new(core: Arc<Core>, invalidation: Invalidation) -> Self {
        Self(Some((core, invalidation)))
    }

    /// Somebody else does it.
    pub(super) fn not(&mut self) {
        self.0 = None;
    }
}

impl Drop for Forgetting {
    fn drop(&mut self) {
        if let Some((core, invalidation)) = self.0.take() {
            core.forget(invalidation);
        }
    }
}

//! Caches: one suite, run in the process, on Redis and on a Redis Cluster, and what concerns one of them alone.

mod away;
mod flights;
mod invalidation;
mod routed;
mod staleness;
mod values;
mod writes;

use chassis::cache::{Cache, CacheConfig, Caches, LoadFailed, Policy};
use chassis::clock::{Clock, Ts};
use chassis::state::{Invalidation, RedisConfig, State, StateConfig};
use chassis::stop::{self, Stopper};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use testkit::{engines, eventually};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use uuid::Uuid;

pub(crate) const SEC: Duration = Duration::from_secs(1);
/// A policy for what lasts as long as a test.
pub(crate) const LONG: Policy = Policy::of(Duration::from_secs(600)).early(1.0);

/// An engine for one test, with names of its own, and a clock that all instances share.
pub(crate) struct Place {
    redis: RedisConfig,
    service: &'static str,
    pub(crate) clock: Clock,
    /// The only instance where there is no Redis.
    alone: Option<Instance>,
}

/// One instance of a service.
#[derive(Clone)]
pub(crate) struct Instance {
    pub(crate) cache: Cache<String>,
    /// Another cache of the same service.
    pub(crate) other: Cache<String>,
    /// One that keeps nothing in Redis.
    probe: Cache<String>,
    pub(crate) state: State,
    _hearing: Arc<(Stopper, JoinSet<()>)>,
}

impl Place {
    pub(crate) fn process() -> Self {
        Self::of(RedisConfig::default())
    }

    pub(crate) fn redis() -> Option<Self> {
        engines::redis_url().map(|url| Self::at(&url))
    }

    pub(crate) fn cluster() -> Option<Self> {
        engines::redis_cluster_url().map(|url| Self::at(&url))
    }

    pub(crate) fn at(url: &str) -> Self {
        Self::of(RedisConfig { url: Some(url.to_owned().into()), ..RedisConfig::default() })
    }

    fn of(redis: RedisConfig) -> Self {
        let service: &'static str = Box::leak(format!("test-{}", Uuid::new_v4().simple()).into_boxed_str());
        Self { redis, service, clock: Clock::manual(Ts::from_secs(1_000_000)), alone: None }
    }

    pub(crate) fn has_redis(&self) -> bool {
        self.redis.url.is_some()
    }

    /// An instance that hears the others. Where there is no Redis there is one alone, and each call gives that.
    pub(crate) async fn instance(&mut self, policy: Policy) -> Instance {
        if let Some(alone) = &self.alone {
            return alone.clone();
        }
        let instance =
            self.with(policy, CacheConfig { alone_ms: 60_000, patience_ms: 5_000, ..CacheConfig::default() });
        if self.has_redis() {
            let state = instance.state.clone();
            eventually(|| std::future::ready(state.hears_others())).await;
            // That it may have missed something was said before; what is said after that is heard after that.
            let asked = Source::of("1");
            asked.read(&instance.probe, "a").await;
            let keys = vec!["probe:a".to_owned()];
            state.invalidate(Invalidation { keys, tags: Vec::new() }).await.unwrap();
            eventually(|| async {
                asked.read(&instance.probe, "a").await;
                asked.asked() > 1
            })
            .await;
        } else {
            self.alone = Some(instance.clone());
        }
        instance
    }

    pub(crate) fn with(&self, policy: Policy, config: CacheConfig) -> Instance {
        self.made(policy, config, true)
    }

    /// An instance, which may be deaf.
    pub(crate) fn made(&self, policy: Policy, config: CacheConfig, hears: bool) -> Instance {
        let (state, listener) =
            State::open(&StateConfig::default(), &self.redis, self.clock.clone()).unwrap();
        let state = state.of(self.service);
        let caches = Caches::new(self.service, config, state.clone(), self.clock.clone());
        let cache = caches.make("things", policy).unwrap();
        let other = caches.make("others", policy).unwrap();
        let probe = caches.make("probe", LONG.in_process()).unwrap();
        let (stopper, stop) = stop::channel();
        let mut work = JoinSet::new();
        work.spawn(caches.hear(stop.clone()));
        if let Some(listener) = listener.filter(|_| hears) {
            work.spawn(async move { listener.listen(stop).await.unwrap() });
        }
        Instance { cache, other, probe, state, _hearing: Arc::new((stopper, work)) }
    }

    pub(crate) fn pass(&self, span: Duration) {
        self.clock.advance(span);
    }
}

/// What caches keep copies of: one value, and how often it was asked for.
#[derive(Clone, Default)]
pub(crate) struct Source(Arc<Inside>);

#[derive(Default)]
struct Inside {
    value: Mutex<Option<String>>,
    asked: AtomicU32,
    /// While it is set loads wait after they have read.
    gate: Mutex<Option<Arc<Semaphore>>>,
    fails: Mutex<Option<LoadFailed>>,
}

impl Source {
    pub(crate) fn of(value: &str) -> Self {
        let source = Self::default();
        source.set(Some(value));
        source
    }

    pub(crate) fn set(&self, value: Option<&str>) {
        *lock(&self.0.value) = value.map(str::to_owned);
    }

    pub(crate) fn asked(&self) -> u32 {
        self.0.asked.load(Ordering::SeqCst)
    }

    pub(crate) fn fail(&self, with: Option<LoadFailed>) {
        *lock(&self.0.fails) = with;
    }

    /// Loads that begin from now on read and then wait until the gate has a permit for each.
    pub(crate) fn hold(&self) -> Arc<Semaphore> {
        let gate = Arc::new(Semaphore::new(0));
        *lock(&self.0.gate) = Some(Arc::clone(&gate));
        gate
    }

    /// Loads that begin from now on do not wait.
    pub(crate) fn let_go(&self) {
        *lock(&self.0.gate) = None;
    }

    pub(crate) async fn load(self) -> Result<Option<String>, LoadFailed> {
        let value = lock(&self.0.value).clone();
        let gate = lock(&self.0.gate).clone();
        let fails = lock(&self.0.fails).clone();
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
        fails.map_or(Ok(value), Err)
    }

    /// What a reader of a cache gets.
    pub(crate) async fn read(
        &self,
        cache: &Cache<String>,
        key: impl Into<chassis::cache::Key>,
    ) -> Option<String> {
        let source = self.clone();
        let read = cache.get_or_load(key, move || source.load()).await;
        read.unwrap().map(|cached| cached.into_inner())
    }

    /// Waits until a load has begun.
    pub(crate) async fn has_been_asked(&self, times: u32) {
        eventually(|| {
            let asked = self.asked();
            async move { if asked >= times { Ok(()) } else { Err(asked) } }
        })
        .await;
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn away() -> LoadFailed {
    LoadFailed::unavailable("the source is away")
}

/// Makes three tests of each function: in the process, on Redis, on a Redis Cluster.
macro_rules! on_all_engines {
    ($($(#[doc = $doc:literal])* async fn $name:ident(mut $place:ident: Place) $body:block)*) => {$(
        $(#[doc = $doc])*
        async fn $name(mut $place: crate::cache::Place) $body

        mod $name {
            use crate::cache::Place;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn in_the_process() {
                super::$name(Place::process()).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_redis() {
                if let Some(place) = Place::redis() {
                    super::$name(place).await;
                }
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn on_a_redis_cluster() {
                if let Some(place) = Place::cluster() {
                    super::$name(place).await;
                }
            }
        }
    )*};
}

pub(crate) use on_all_engines;

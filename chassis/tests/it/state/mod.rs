//! Short-lived state and limits: one suite, run in the process, on Redis and on a Redis Cluster.

mod away;
mod cluster;
mod invalidation;
mod leases;
mod limits;
mod values;

use chassis::clock::Clock;
use chassis::state::{Listener, RedisConfig, State, StateConfig};
use chassis::stop::{self, Stopper};
use testkit::engines;
use tokio::task::JoinSet;
use uuid::Uuid;

/// An engine for one test, with names of its own: servers are shared.
pub(crate) struct Place {
    redis: RedisConfig,
    service: String,
    /// The one of the process, which has nothing behind it that two could share.
    process: State,
}

impl Place {
    fn process() -> Self {
        Self::of(RedisConfig::default())
    }

    fn redis() -> Option<Self> {
        engines::redis_url().map(|url| Self::at(&url))
    }

    fn cluster() -> Option<Self> {
        engines::redis_cluster_url().map(|url| Self::at(&url))
    }

    fn at(url: &str) -> Self {
        Self::of(RedisConfig { url: Some(url.to_owned().into()), ..RedisConfig::default() })
    }

    fn of(redis: RedisConfig) -> Self {
        let service = format!("test-{}", Uuid::new_v4().simple());
        let (process, _) = State::open(&StateConfig::default(), &redis, Clock::system()).unwrap();
        Self { redis, process: process.of(&service), service }
    }

    /// The state as one instance of a service has it; each call is another instance, as far as the engine has instances.
    fn instance(&self) -> State {
        self.listening().0
    }

    fn listening(&self) -> (State, Option<Listener>) {
        if self.redis.url.is_none() {
            return (self.process.clone(), None);
        }
        let (state, listener) = State::open(&StateConfig::default(), &self.redis, Clock::system()).unwrap();
        (state.of(&self.service), listener)
    }
}

/// Hears invalidations for an instance until it is dropped.
struct Hearing {
    _stopper: Stopper,
    _work: JoinSet<anyhow::Result<()>>,
}

impl Hearing {
    fn start(listener: Option<Listener>) -> Self {
        let (stopper, stop) = stop::channel();
        let mut work = JoinSet::new();
        if let Some(listener) = listener {
            work.spawn(listener.listen(stop));
        }
        Self { _stopper: stopper, _work: work }
    }
}

/// Makes three tests of each function: in the process, on Redis, on a Redis Cluster.
macro_rules! on_all_engines {
    ($($(#[doc = $doc:literal])* async fn $name:ident($place:ident: Place) $body:block)*) => {$(
        $(#[doc = $doc])*
        async fn $name($place: crate::state::Place) $body

        mod $name {
            use crate::state::Place;

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

use on_all_engines;

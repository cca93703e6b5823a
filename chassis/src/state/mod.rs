//! Short-lived state and limits, with one meaning on three engines: in the process, on a Redis server, on a Redis Cluster.
//!
//! For what may be lost without harm and must be fast: one-time codes, revocations until a token expires, who works on
//! what, how often somebody may try. Without `redis.url` it is kept in the process; with it every replica sees the same.
//!
//! ```ignore
//! let state = context.state();
//! if state.put_if_absent("seen:42", "1", Duration::from_secs(60)).await? { /* the first */ }
//! let decision = state.limit("ip:192.0.2.1", &[Limit::new("login", 5, Duration::from_secs(60))?]).await?;
//! ```
//!
//! What must hold:
//! - Each operation is one atomic step on the engine, and takes place at most once: it is not repeated when its answer is
//!   lost. It ends within `redis.timeout_ms`.
//! - Everything has a time to live. What has expired is absent, for every operation.
//! - Time is the engine's: Redis' own clock, or in the process the [`Clock`].
//! - A limit is never off: without Redis, with one that is away or refuses, this process counts.
//! - Memory in the process is bounded (`state.max_entries`, `state.max_bytes`).
//!
//! What it does not do: it does not keep anything safely. Redis may lose the last moments at a failover or restart, and a
//! lease may then be given out twice for a moment: that is what [`Lease::fence`] is for. What must not be lost belongs in
//! the database. There is no listing: nothing is found but by its name.

mod config;
mod error;
mod invalidate;
mod lease;
mod limit;
mod local;
mod meter;
mod remote;
mod table;
mod windows;

pub use config::{RedisConfig, StateConfig};
pub use error::StateError;
pub use invalidate::{Invalidation, Invalidations, Listener, Stale};
pub use lease::Lease;
pub use limit::{DecidedBy, Decision, Decisions, Limit};
pub(crate) use remote::{Connection, Heard, Link};

use crate::clock::Clock;
use bytes::Bytes;
use invalidate::Hub;
use local::Local;
use meter::Meter;
use remote::Remote;
use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

/// The longest name, in bytes, and the largest value.
const LONGEST_NAME: usize = 512;
const LARGEST_VALUE: usize = 1_048_576;
const LONGEST_TTL: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// Where state is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StateEngine {
    /// In this process, for this process alone.
    Process,
    /// On a Redis server.
    Redis,
    /// On a Redis Cluster.
    RedisCluster,
}

/// What is known about how state is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StateDurability {
    /// In the memory of this process.
    Process,
    /// On a Redis server.
    Redis {
        /// Whether each write goes to a file (`appendonly`); `None` when the server does not say.
        append_only: Option<bool>,
        /// When the file goes to the disk (`appendfsync`); `None` when the server does not say.
        sync: Option<String>,
    },
    /// On a Redis Cluster, whose replicas follow its masters by and by.
    Cluster,
}

/// The state of one service. Cheap to clone; clones share everything.
///
/// Names are the service's own. They may hold anything; personal data in them ends up in Redis.
#[derive(Debug, Clone)]
pub struct State {
    service: Arc<str>,
    engine: Engine,
    hub: Arc<Hub>,
    meter: Arc<Meter>,
}

#[derive(Debug, Clone)]
enum Engine {
    Process(Arc<Local>),
    Redis(Arc<Remote>),
}

impl State {
    /// State as the settings say, and what hears other processes when there is Redis. Connects at the first operation.
    ///
    /// # Errors
    /// When the URL is not one.
    pub fn open(
        config: &StateConfig,
        redis: &RedisConfig,
        clock: Clock,
    ) -> anyhow::Result<(Self, Option<Listener>)> {
        let local = Local::new(config, clock);
        let hub = Arc::new(Hub::new());
        let (engine, listener) = match redis.link()? {
            None => (Engine::Process(Arc::new(local)), None),
            Some(link) => {
                let listener = Listener { link: link.clone(), hub: Arc::clone(&hub) };
                (Engine::Redis(Arc::new(Remote::new(link, redis.breaker(), local)?)), Some(listener))
            }
        };
        Ok((Self { service: "chassis".into(), engine, hub, meter: Arc::default() }, listener))
    }

    /// The same engine with the names of a service.
    #[must_use]
    pub fn of(&self, service: &str) -> Self {
        Self { service: service.into(), ..self.clone() }
    }

    /// Where it is kept.
    #[must_use]
    pub fn engine(&self) -> StateEngine {
        match &self.engine {
            Engine::Process(_) => StateEngine::Process,
            Engine::Redis(redis) if redis.link().is_cluster() => StateEngine::RedisCluster,
            Engine::Redis(_) => StateEngine::Redis,
        }
    }

    /// Where it is kept, for people: `Redis redis.internal:6379`. Without credentials.
    #[must_use]
    pub fn describe(&self) -> String {
        match &self.engine {
            Engine::Process(_) => "in the process".to_owned(),
            Engine::Redis(redis) if redis.link().is_cluster() => {
                format!("Redis Cluster {}", redis.link().place())
            }
            Engine::Redis(redis) => format!("Redis {}", redis.link().place()),
        }
    }

    /// Asks the engine for an answer.
    ///
    /// # Errors
    /// When it gives none.
    pub async fn ping(&self) -> Result<(), StateError> {
        match &self.engine {
            Engine::Process(_) => Ok(()),
            Engine::Redis(redis) => redis.ping().await,
        }
    }

    /// How it is kept.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn durability(&self) -> Result<StateDurability, StateError> {
        match &self.engine {
            Engine::Process(_) => Ok(StateDurability::Process),
            Engine::Redis(redis) => redis.durability().await,
        }
    }

    /// Ends it: what is asked afterwards of Redis fails.
    pub fn close(&self) {
        if let Engine::Redis(redis) = &self.engine {
            redis.close();
        }
    }

    /// A value; nothing when there is none or its time is over.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn get(&self, name: &str) -> Result<Option<Bytes>, StateError> {
        let name = self.name(name)?;
        self.measured("get", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.get(&name)),
                Engine::Redis(redis) => redis.get(&name).await,
            }
        })
        .await
    }

    /// Puts a value, in place of one that is there, for as long as `ttl` says.
    ///
    /// # Errors
    /// See [`StateError`]; a `ttl` of zero is refused.
    pub async fn put(&self, name: &str, value: impl Into<Bytes>, ttl: Duration) -> Result<(), StateError> {
        let (name, value, ttl) = (self.name(name)?, sized(value.into())?, checked(ttl)?);
        self.measured("put", async {
            match &self.engine {
                Engine::Process(local) => {
                    local.put(&name, value, ttl);
                    Ok(())
                }
                Engine::Redis(redis) => redis.put(&name, &value, ttl).await,
            }
        })
        .await
    }

    /// Puts a value where there is none: of several who try, one is told true.
    ///
    /// # Errors
    /// See [`StateError`]; a `ttl` of zero is refused.
    pub async fn put_if_absent(
        &self,
        name: &str,
        value: impl Into<Bytes>,
        ttl: Duration,
    ) -> Result<bool, StateError> {
        let (name, value, ttl) = (self.name(name)?, sized(value.into())?, checked(ttl)?);
        self.measured("put_if_absent", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.put_if_absent(&name, value, ttl)),
                Engine::Redis(redis) => redis.put_if_absent(&name, &value, ttl).await,
            }
        })
        .await
    }

    /// Puts a value in place of exactly this one, with a time to live of its own; false when another or none is there.
    ///
    /// # Errors
    /// See [`StateError`]; a `ttl` of zero is refused.
    pub async fn replace_if(
        &self,
        name: &str,
        expected: &[u8],
        value: impl Into<Bytes>,
        ttl: Duration,
    ) -> Result<bool, StateError> {
        let (name, value, ttl) = (self.name(name)?, sized(value.into())?, checked(ttl)?);
        self.measured("replace_if", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.replace_if(&name, expected, value, ttl)),
                Engine::Redis(redis) => redis.replace_if(&name, expected, &value, ttl).await,
            }
        })
        .await
    }

    /// Removes exactly this value; false when another or none is there.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn remove_if(&self, name: &str, expected: &[u8]) -> Result<bool, StateError> {
        let name = self.name(name)?;
        self.measured("remove_if", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.remove_if(&name, expected)),
                Engine::Redis(redis) => redis.remove_if(&name, expected).await,
            }
        })
        .await
    }

    /// Removes a value; false when there was none.
    ///
    /// # Errors
    /// See [`StateError`].
    pub async fn remove(&self, name: &str) -> Result<bool, StateError> {
        let name = self.name(name)?;
        self.measured("remove", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.remove(&name)),
                Engine::Redis(redis) => redis.remove(&name).await,
            }
        })
        .await
    }

    /// Takes a lease for as long as `ttl` says; nothing when somebody holds it. Leases have names of their own, apart from
    /// values.
    ///
    /// # Errors
    /// See [`StateError`]; a `ttl` of zero is refused. After an error the lease may have been taken: it then runs out.
    pub async fn acquire(&self, name: &str, ttl: Duration) -> Result<Option<Lease>, StateError> {
        let (name, ttl, owner) = (self.name(name)?, checked(ttl)?, Uuid::new_v4());
        let fence = self.measured("acquire", async {
            match &self.engine {
                Engine::Process(local) => local.acquire(&name, owner, ttl),
                Engine::Redis(redis) => redis.acquire(&name, owner, ttl).await,
            }
        });
        let fence = fence.await?;
        Ok(fence.map(|fence| Lease { state: self.clone(), name, owner, fence }))
    }

    pub(super) async fn renew(&self, name: &str, owner: Uuid, ttl: Duration) -> Result<bool, StateError> {
        let ttl = checked(ttl)?;
        self.measured("renew", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.renew(name, owner, ttl)),
                Engine::Redis(redis) => redis.renew(name, owner, ttl).await,
            }
        })
        .await
    }

    pub(super) async fn release(&self, name: &str, owner: Uuid) -> Result<bool, StateError> {
        self.measured("release", async {
            match &self.engine {
                Engine::Process(local) => Ok(local.release(name, owner)),
                Engine::Redis(redis) => redis.release(name, owner).await,
            }
        })
        .await
    }

    /// Decides several limits of one subject (an address, a user) at once: all of them count the call, or none does.
    ///
    /// # Errors
    /// As [`State::limits`].
    pub async fn limit(&self, subject: &str, limits: &[Limit]) -> Result<Decision, StateError> {
        let asked: Vec<_> = limits.iter().map(|limit| (subject, limit)).collect();
        Ok(*self.limits(&asked).await?.tightest())
    }

    /// Decides limits of several subjects in one round trip: all of them count the call, or none does.
    ///
    /// On a cluster subjects live in different slots, which nothing locks together: each counts at the same time, and what
    /// was counted where another refused is given back. For that moment others find less left than there is, never more;
    /// what cannot be given back, because a master died or the caller went away, stays counted.
    ///
    /// While Redis is away this process decides alone, by the same limits; [`Decisions::by`] says so.
    ///
    /// # Errors
    /// No limit, or one twice for the same subject; when the process stops.
    pub async fn limits(&self, asked: &[(&str, &Limit)]) -> Result<Decisions, StateError> {
        let is_twice = |(at, (subject, limit)): (usize, &(&str, &Limit))| {
            asked.iter().take(at).any(|other| other.0 == *subject && other.1.name() == limit.name())
        };
        if asked.is_empty() || asked.iter().enumerate().any(is_twice) {
            return Err(StateError::Invalid("a call names limits, each of them once for a subject"));
        }
        asked.iter().try_for_each(|(subject, _)| named(subject))?;
        let began = Instant::now();
        let decided = match &self.engine {
            Engine::Process(local) => Ok(local.windows.decide(&self.service, asked, DecidedBy::Process)),
            Engine::Redis(redis) => {
                let subjects: Vec<String> =
                    asked.iter().map(|(subject, _)| self.name(subject)).collect::<Result<_, _>>()?;
                let asked: Vec<_> = subjects
                    .iter()
                    .zip(asked)
                    .map(|(subject, (_, limit))| (subject.as_str(), *limit))
                    .collect();
                redis.limits(&asked).await
            }
        };
        self.meter.limits(&decided, began.elapsed());
        decided
    }

    /// Tells all who hold copies, in every instance of the service, that something has changed. To be called after the
    /// change is committed. Subscribers of this process are told before this returns.
    ///
    /// # Errors
    /// When Redis is away: other instances have not been told. Those that had lost their connection too will be told that
    /// everything may be stale once they have it back.
    pub async fn invalidate(&self, invalidation: Invalidation) -> Result<(), StateError> {
        self.hub.tell(&self.service, invalidation.clone());
        self.invalidate_elsewhere(invalidation).await
    }

    /// [`State::invalidate`] without this process, for whoever has told it already.
    ///
    /// # Errors
    /// As [`State::invalidate`].
    pub async fn invalidate_elsewhere(&self, invalidation: Invalidation) -> Result<(), StateError> {
        self.measured("invalidate", async {
            match &self.engine {
                Engine::Process(_) => Ok(()),
                Engine::Redis(redis) => {
                    let (channel, message) = self.hub.message(&self.service, invalidation);
                    redis.publish(&channel, &message).await
                }
            }
        })
        .await
    }

    /// What is invalidated from now on, in any instance of the service.
    #[must_use]
    pub fn invalidations(&self) -> Invalidations {
        self.hub.subscribe(&self.service)
    }

    /// Whether invalidations of other instances reach this one now. Never without Redis: there is nobody to carry them.
    #[must_use]
    pub fn hears_others(&self) -> bool {
        self.hub.hears()
    }

    /// The name on the engine: with that of the service, and without braces, which mean something to a cluster.
    fn name(&self, name: &str) -> Result<String, StateError> {
        named(name)?;
        let plain = if name.contains(['{', '}', '%']) {
            Cow::Owned(name.replace('%', "%25").replace('{', "%7B").replace('}', "%7D"))
        } else {
            Cow::Borrowed(name)
        };
        Ok(format!("{}:{plain}", self.service))
    }

    async fn measured<T>(
        &self,
        op: &'static str,
        work: impl Future<Output = Result<T, StateError>>,
    ) -> Result<T, StateError> {
        let began = Instant::now();
        let done = work.await;
        meter::operation(op, &done).increment(1);
        meter::seconds(op).record(began.elapsed());
        done
    }
}

/// Whether a name is one.
fn named(name: &str) -> Result<(), StateError> {
    match name.len() {
        1..=LONGEST_NAME => Ok(()),
        _ => Err(StateError::Invalid("a name has between 1 and 512 bytes")),
    }
}

fn sized(value: Bytes) -> Result<Bytes, StateError> {
    if value.len() > LARGEST_VALUE {
        return Err(StateError::Invalid("a value has at most a mebibyte"));
    }
    Ok(value)
}

/// A time to live in whole milliseconds, rounded up, as all engines keep it.
fn checked(ttl: Duration) -> Result<Duration, StateError> {
    if ttl.is_zero() || ttl > LONGEST_TTL {
        return Err(StateError::Invalid("a time to live is above zero and at most a year"));
    }
    Ok(Duration::from_millis(ttl_ms(ttl)))
}

fn ttl_ms(ttl: Duration) -> u64 {
    u64::try_from(ttl.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}

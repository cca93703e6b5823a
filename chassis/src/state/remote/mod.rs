//! State on Redis, a server or a cluster: each operation is one command or one script, on one key or on keys that share
//! the hash tag of their subject, so that a cluster keeps them in one place.

mod limits;
mod link;

pub(crate) use link::{Connection, Heard, Link};

use super::limit::Limit;
use super::local::Local;
use super::{StateDurability, StateError, ttl_ms};
use crate::resilience::{Breaker, BreakerConfig, Gate};
use arc_swap::ArcSwapOption;
use bytes::Bytes;
use redis::{
    Cmd, ErrorKind, FromRedisValue, RedisResult, Script, ServerErrorKind, Value, cmd, from_redis_value,
};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::Duration;
use uuid::Uuid;

/// For how long the last fence of a lease is kept after its last acquisition. A fence is a time, so one that is forgotten
/// after this long is not given out again unless a server's clock goes back by as much.
const FENCE_KEPT: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// After a failure limits are decided by this process for so long before Redis is asked again.
const LIMITS_PAUSE: Duration = Duration::from_millis(500);

/// A script and what Redis calls it.
struct Lua(Script, &'static str);

macro_rules! lua {
    ($($name:ident = $file:literal;)*) => {$(
        static $name: LazyLock<Lua> = LazyLock::new(|| {
            let source = include_str!(concat!("scripts/", $file));
            Lua(Script::new(source), source)
        });
    )*};
}

lua! {
    REPLACE_IF = "replace_if.lua";
    REMOVE_IF = "remove_if.lua";
    ACQUIRE = "acquire.lua";
    RENEW = "renew.lua";
    LIMIT = "limit.lua";
    GIVE_BACK = "give_back.lua";
}

pub(super) struct Remote {
    link: Link,
    connection: ArcSwapOption<Connection>,
    gate: Gate,
    breaker: Breaker,
    fallback: Local,
}

impl Remote {
    pub(super) fn new(link: Link, breaker: BreakerConfig, fallback: Local) -> RedisResult<Self> {
        let connection = ArcSwapOption::from_pointee(link.connect()?);
        let breaker = Breaker::new("redis", "state", breaker);
        Ok(Self { link, connection, gate: Gate::new(LIMITS_PAUSE), breaker, fallback })
    }

    pub(super) fn link(&self) -> &Link {
        &self.link
    }

    pub(super) fn close(&self) {
        self.connection.store(None);
    }

    pub(super) async fn ping(&self) -> Result<(), StateError> {
        self.command(&cmd("PING")).await.map(|_: String| ())
    }

    /// What the server says of itself; a server may be told not to, which is no failure.
    pub(super) async fn durability(&self) -> Result<StateDurability, StateError> {
        self.ping().await?;
        if self.link.is_cluster() {
            return Ok(StateDurability::Cluster);
        }
        let mut ask = cmd("CONFIG");
        let settings: Result<HashMap<String, String>, _> =
            self.command(ask.arg("GET").arg("appendonly").arg("appendfsync")).await;
        match settings {
            Ok(settings) => {
                let append_only = settings.get("appendonly").map(|set| set == "yes");
                Ok(StateDurability::Redis { append_only, sync: settings.get("appendfsync").cloned() })
            }
            Err(StateError::Refused(_)) => {
                let info: Result<String, _> = self.command(cmd("INFO").arg("persistence")).await;
                let append_only = info.ok().and_then(|info| {
                    let enabled = info.lines().find_map(|line| line.strip_prefix("aof_enabled:"))?;
                    Some(enabled.trim() == "1")
                });
                Ok(StateDurability::Redis { append_only, sync: None })
            }
            Err(error) => Err(error),
        }
    }

    pub(super) async fn get(&self, name: &str) -> Result<Option<Bytes>, StateError> {
        let value: Option<Vec<u8>> = self.command(cmd("GET").arg(value_of(name))).await?;
        Ok(value.map(Bytes::from))
    }

    pub(super) async fn put(&self, name: &str, value: &[u8], ttl: Duration) -> Result<(), StateError> {
        let mut set = cmd("SET");
        self.command(set.arg(value_of(name)).arg(value).arg("PX").arg(ttl_ms(ttl))).await
    }

    pub(super) async fn put_if_absent(
        &self,
        name: &str,
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StateError> {
        let mut set = cmd("SET");
        let set = set.arg(value_of(name)).arg(value).arg("NX").arg("PX").arg(ttl_ms(ttl));
        self.command(set).await.map(|done: Option<String>| done.is_some())
    }

    pub(super) async fn replace_if(
        &self,
        name: &str,
        expected: &[u8],
        value: &[u8],
        ttl: Duration,
    ) -> Result<bool, StateError> {
        let ttl = ttl_ms(ttl);
        self.script(&REPLACE_IF, &[value_of(name)], |run| run.arg(expected).arg(value).arg(ttl)).await
    }

    pub(super) async fn remove_if(&self, name: &str, expected: &[u8]) -> Result<bool, StateError> {
        self.script(&REMOVE_IF, &[value_of(name)], |run| run.arg(expected)).await
    }

    pub(super) async fn remove(&self, name: &str) -> Result<bool, StateError> {
        self.command(cmd("DEL").arg(value_of(name))).await
    }

    pub(super) async fn acquire(
        &self,
        name: &str,
        owner: Uuid,
        ttl: Duration,
    ) -> Result<Option<i64>, StateError> {
        let keys = [lease_of(name), key(name, "fence")];
        let (ttl, kept) = (ttl_ms(ttl), ttl_ms(FENCE_KEPT + ttl));
        self.script(&ACQUIRE, &keys, |run| run.arg(owner.as_bytes()).arg(ttl).arg(kept)).await
    }

    pub(super) async fn renew(&self, name: &str, owner: Uuid, ttl: Duration) -> Result<bool, StateError> {
        let ttl = ttl_ms(ttl);
        self.script(&RENEW, &[lease_of(name)], |run| run.arg(owner.as_bytes()).arg(ttl)).await
    }

    pub(super) async fn release(&self, name: &str, owner: Uuid) -> Result<bool, StateError> {
        self.script(&REMOVE_IF, &[lease_of(name)], |run| run.arg(owner.as_bytes())).await
    }

    pub(super) async fn publish(&self, channel: &str, message: &str) -> Result<(), StateError> {
        self.command(cmd("PUBLISH").arg(channel).arg(message)).await.map(|_: i64| ())
    }

    async fn command<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, StateError> {
        self.send(command).await?.map_err(StateError::from).and_then(read)
    }

    async fn script<T: FromRedisValue>(
        &self,
        Lua(script, source): &Lua,
        keys: &[String],
        arguments: impl FnOnce(&mut Cmd) -> &mut Cmd,
    ) -> Result<T, StateError> {
        let mut rest = Cmd::new();
        arguments(rest.arg(keys.len()).arg(keys));
        let run = |how: &str, script: &str| {
            let mut run = cmd(how);
            run.arg(script);
            for argument in rest.args_iter() {
                if let redis::Arg::Simple(argument) = argument {
                    run.arg(argument);
                }
            }
            run
        };
        let mut answer = self.send(&run("EVALSHA", script.get_hash())).await?;
        if matches!(&answer, Err(error) if error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)) {
            // Also tells the server the script, for the next time.
            answer = self.send(&run("EVAL", source)).await?;
        }
        answer.map_err(StateError::from).and_then(read)
    }

    async fn send(&self, command: &Cmd) -> Result<RedisResult<Value>, StateError> {
        let connection = self.connection.load_full().ok_or(StateError::Closed)?;
        let permit = self.breaker.permit().map_err(|open| StateError::Unavailable(open.to_string()))?;
        let answer = match permit.is_probe() {
            false => self.link.command(&connection, command).await,
            true => self.link.probe(&connection, command).await,
        };
        match &answer {
            Err(error) if link::is_away(error) => permit.failed(),
            _ => permit.succeeded(),
        }
        Ok(answer)
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("place", &self.link.place()).finish_non_exhaustive()
    }
}

impl From<redis::RedisError> for StateError {
    fn from(error: redis::RedisError) -> Self {
        if link::is_away(&error) {
            Self::Unavailable(error.to_string())
        } else {
            Self::Refused(error.to_string())
        }
    }
}

fn read<T: FromRedisValue>(value: Value) -> Result<T, StateError> {
    from_redis_value(value).map_err(|error| StateError::Refused(error.to_string()))
}

/// The key of something that belongs to a name. The braces make the name the hash tag: all keys of a name are in one slot.
fn key(name: &str, kind: &str) -> String {
    format!("bowline:{{{name}}}:{kind}")
}

fn value_of(name: &str) -> String {
    key(name, "value")
}

fn lease_of(name: &str) -> String {
    key(name, "lease")
}

fn window_of(subject: &str, limit: &Limit) -> String {
    key(subject, &format!("limit:{}", limit.name()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_keys_of_a_name_carry_it_as_their_hash_tag() {
        let limit = Limit::new("a", 1, Duration::from_secs(1)).unwrap();
        for key in
            [value_of("auth:x"), lease_of("auth:x"), window_of("auth:x", &limit), key("auth:x", "fence")]
        {
            assert!(key.starts_with("bowline:{auth:x}:"), "{key}");
        }
    }
}

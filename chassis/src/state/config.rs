//! The settings of Redis and of the state that is kept in the process instead.

use super::remote::Link;
use crate::config::{Mode, Problems, Validate, settings};
use crate::resilience::BreakerConfig;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

settings! {
    /// Redis, which replicas of a service share.
    ///
    /// Without it short-lived state and limits are kept in the process, and replicas look for each other's news every
    /// quarter of a second.
    pub struct RedisConfig {
        /// redis://host:port, rediss://user:password@host:port for TLS, or redis+cluster://user:password@host1:port,host2:port
        /// (rediss+cluster:// for TLS) for a Redis Cluster, of which any few nodes may be named.
        url: Option<SecretString> = None, env "REDIS_URL";
        /// Milliseconds that one operation may take, with everything that it waits for.
        timeout_ms: u64 = 1_000;
        /// Percent of calls in ten seconds that must fail before Redis is not called for a while; above 100 never.
        breaker_failure_percent: u32 = 50;
        /// With fewer calls in ten seconds nothing is concluded from failures.
        breaker_minimum_calls: u32 = 10;
        /// Milliseconds that it is not called, before a few calls find out whether it answers again.
        breaker_probe_interval_ms: u64 = 2_000;
    }
}

impl Validate for RedisConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        if let Some(url) = &self.url
            && Link::parse(url.expose_secret(), self.timeout()).is_err()
        {
            problems.add(
                "url",
                "must be like redis://host:port, rediss://user:password@host:port or redis+cluster://host1:port,host2:port",
            );
        }
        problems.range("timeout_ms", self.timeout_ms, 10..=60_000);
        self.breaker().validate(problems);
    }
}

impl RedisConfig {
    pub(crate) const fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_ms)
    }

    pub(super) fn breaker(&self) -> BreakerConfig {
        let config = BreakerConfig::from_settings(
            self.breaker_failure_percent,
            self.breaker_minimum_calls,
            self.breaker_probe_interval_ms,
        );
        // What takes longer has failed anyway.
        BreakerConfig { slow_after: self.timeout(), ..config }
    }

    /// The way to Redis; nothing when it is not used.
    pub(crate) fn link(&self) -> anyhow::Result<Option<Link>> {
        let parse = |url: &SecretString| Link::parse(url.expose_secret(), self.timeout());
        self.url.as_ref().map(parse).transpose().map_err(|error| anyhow::anyhow!("redis.url: {error}"))
    }
}

settings! {
    /// Short-lived state and limits in the process.
    ///
    /// They are kept there without Redis, and limits also while Redis is away.
    pub struct StateConfig {
        /// The most values, the most leases and the most limit windows that are kept at once.
        max_entries: usize = 100_000;
        /// The most bytes of values, with their names.
        max_bytes: usize = 67_108_864;
    }
}

impl Validate for StateConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("max_entries", self.max_entries, 1_000..=10_000_000);
        problems.range("max_bytes", self.max_bytes, 4_194_304..=68_719_476_736);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(url: &str) -> usize {
        let mut problems = Problems::new();
        let config = RedisConfig { url: Some(url.to_owned().into()), ..RedisConfig::default() };
        config.validate(Mode::Development, &mut problems);
        problems.iter().count()
    }

    #[test]
    fn a_url_names_a_server_or_a_cluster() {
        for url in [
            "redis://127.0.0.1:6379",
            "rediss://user:secret@redis.internal:6380/2",
            "redis+cluster://one:7000,two:7000",
            "redis+cluster://one:7000",
            "rediss+cluster://user:p%40ss@one:7000,[::1]:7001",
        ] {
            assert_eq!(problems(url), 0, "{url}");
        }
    }

    #[test]
    fn what_is_not_a_redis_url_is_refused() {
        for url in [
            "http://redis",
            "redis+cluster://",
            "redis+cluster://one:7000,,two:7000",
            "redis+cluster://one:7000,two:7000/3",
            "redis+cluster://one:70000",
            "redis://one:7000,two:7000",
        ] {
            assert_eq!(problems(url), 1, "{url}");
        }
    }
}

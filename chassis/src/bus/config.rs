//! The settings of the bus.

use super::{BusEngine, nats};
use crate::config::{Mode, Problems, Validate, settings};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

settings! {
    /// The bus, on which services publish what happened.
    pub struct BusConfig {
        /// Where the broker is: `nats://host:port` or `tls://host:port` for NATS JetStream (credentials as
        /// `nats://user:password@host:port` or `nats://token@host:port`; `tls` trusts whom the system trusts),
        /// `kafka://host:port,host:port` for Kafka, in a binary that was built with it, without encryption.
        /// Without it records are kept in a file in the data folder, for all processes that share that folder.
        url: Option<SecretString> = None, env "BUS_URL";
        /// What the names of topics begin with on a broker, so that several installations can share one.
        prefix: String = "bowline".to_owned();
        /// How many days a record is kept. A service that is away for longer misses records.
        keep_days: u32 = 7;
        /// How many partitions a topic gets on Kafka when it is made.
        partitions: u32 = 12;
        /// On how many servers of a broker each record is kept, for topics that are made from now on.
        replicas: u32 = 1;
        /// The largest body of a record, in bytes. The broker has a limit of its own, usually one megabyte.
        max_record_bytes: usize = 524_288;
        /// How long a publish waits for the broker's confirmation, in milliseconds.
        publish_timeout_ms: u64 = 5_000;
        /// How long the broker may take to answer anything else, also a connection, in milliseconds.
        request_timeout_ms: u64 = 5_000;
        /// How often a reader of the embedded log looks for records of other processes, in milliseconds; records of its
        /// own process wake it at once. On Kafka, how long a broker that has nothing new keeps a reader waiting.
        poll_ms: u64 = 100;
    }
}

const MINUTE_MS: u64 = 60_000;
const TEN_YEARS: u32 = 3_650;
/// NATS knows no more.
const MOST_REPLICAS: u32 = 5;
const LONGEST_PREFIX: usize = 40;

impl Validate for BusConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        if let Err(reason) = self.engine() {
            problems.add("url", reason);
        }
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        let length = self.prefix.len();
        if length == 0 || length > LONGEST_PREFIX || !self.prefix.chars().all(is_plain) {
            problems
                .add("prefix", format!("must be 1 to {LONGEST_PREFIX} lower-case letters, digits, - or _"));
        }
        problems.range("keep_days", self.keep_days, 1..=TEN_YEARS);
        problems.range("partitions", self.partitions, 1..=1_000);
        problems.range("replicas", self.replicas, 1..=MOST_REPLICAS);
        problems.range("max_record_bytes", self.max_record_bytes, 1_024..=8 * 1_024 * 1_024);
        problems.range("publish_timeout_ms", self.publish_timeout_ms, 100..=MINUTE_MS);
        problems.range("request_timeout_ms", self.request_timeout_ms, 100..=MINUTE_MS);
        problems.range("poll_ms", self.poll_ms, 1..=MINUTE_MS);
    }
}

impl BusConfig {
    /// The engine that the URL names, or what is wrong with the URL, without showing it.
    pub(super) fn engine(&self) -> Result<BusEngine, &'static str> {
        let Some(url) = &self.url else { return Ok(BusEngine::Embedded) };
        let url = url.expose_secret();
        match url.split_once("://") {
            Some(("nats" | "tls", _)) => nats::check(url).map(|()| BusEngine::Nats),
            Some(("kafka", rest)) => kafka(rest),
            _ => Err("must begin with nats://, tls:// or kafka://"),
        }
    }

    pub(super) const fn keep(&self) -> Duration {
        Duration::from_secs(self.keep_days as u64 * 86_400)
    }

    pub(super) const fn publish_timeout(&self) -> Duration {
        Duration::from_millis(self.publish_timeout_ms)
    }

    pub(super) const fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }

    pub(super) const fn poll(&self) -> Duration {
        Duration::from_millis(self.poll_ms)
    }
}

#[cfg(feature = "kafka")]
fn kafka(servers: &str) -> Result<BusEngine, &'static str> {
    super::kafka::check(servers).map(|()| BusEngine::Kafka)
}

#[cfg(not(feature = "kafka"))]
fn kafka(_: &str) -> Result<BusEngine, &'static str> {
    Err(
        "names Kafka, but this binary was built without it: build it with `cargo build --release --features kafka`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &BusConfig) -> Vec<(String, String)> {
        let mut problems = Problems::new();
        config.validate(Mode::Production, &mut problems);
        problems.iter().map(|problem| (problem.field.clone(), problem.message.clone())).collect()
    }

    fn at(url: &str) -> BusConfig {
        BusConfig { url: Some(url.into()), ..BusConfig::default() }
    }

    #[test]
    fn the_scheme_of_the_url_names_the_engine() {
        assert_eq!(BusConfig::default().engine(), Ok(BusEngine::Embedded));
        assert_eq!(at("nats://one:4222,two:4222").engine(), Ok(BusEngine::Nats));
        assert_eq!(at("tls://user:password@one:4222").engine(), Ok(BusEngine::Nats));
        assert!(problems(&BusConfig::default()).is_empty());
    }

    #[test]
    fn a_url_that_cannot_be_used_is_refused_without_being_shown() {
        for url in
            ["amqp://bow:hunter2@host", "nats://bow:hunter2@", "kafka://bow:hunter2@host:9092", "hunter2"]
        {
            let found = problems(&at(url));
            assert!(
                found.iter().all(|(field, message)| field == "url" && !message.contains("hunter2")),
                "{found:?}"
            );
            assert_eq!(found.len(), 1, "{url}");
        }
    }

    #[cfg(feature = "kafka")]
    #[test]
    fn kafka_is_there_when_it_was_built_in() {
        assert_eq!(at("kafka://one:9092,two:9092").engine(), Ok(BusEngine::Kafka));
    }

    #[cfg(not(feature = "kafka"))]
    #[test]
    fn a_binary_without_kafka_says_how_to_get_one_with_it() {
        let found = problems(&at("kafka://one:9092"));
        assert!(matches!(&*found, [(_, message)] if message.contains("--features kafka")), "{found:?}");
    }

    #[test]
    fn what_cannot_be_part_of_a_name_is_no_prefix() {
        for prefix in ["", "Bow", "a.b", "a b"] {
            let found = problems(&BusConfig { prefix: prefix.to_owned(), ..BusConfig::default() });
            assert!(matches!(&*found, [(field, _)] if field == "prefix"), "{prefix:?}: {found:?}");
        }
    }
}

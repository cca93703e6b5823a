//! Kafka: a topic with partitions for each topic, written by an idempotent producer that waits for all replicas in sync.
//!
//! What must hold: [`publish`]'s settings are fixed in code, and nothing here blocks the runtime: what librdkafka does
//! only in a blocking way is done on the threads that are kept for that.
//!
//! What it does not do: no TLS and no SASL, which would need OpenSSL. Keep the way to the brokers inside your network, or
//! lay a tunnel.

mod publish;
mod reader;
mod topics;

pub(super) use reader::Reader;

use super::{BusConfig, BusDurability, BusError};
use publish::Producers;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, KafkaResult};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a broker adds to a record's body at most: key, header, batch.
const OVERHEAD: usize = 65_536;
/// How long a client waits before it connects again to a broker that was away, at most.
const LONGEST_PAUSE_MS: &str = "1000";

pub(super) struct Kafka {
    servers: String,
    prefix: String,
    partitions: u32,
    replicas: u32,
    keep: Duration,
    max_message_bytes: usize,
    publish_timeout: Duration,
    request_timeout: Duration,
    poll: Duration,
    /// Asks about topics, and assigns nothing.
    lookup: Arc<BaseConsumer<Quiet>>,
    producers: Producers,
    /// Topics that are known to be there.
    known: Mutex<HashSet<Box<str>>>,
}

impl fmt::Debug for Kafka {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kafka").field("servers", &self.servers).finish_non_exhaustive()
    }
}

impl Kafka {
    pub(super) fn open(config: &BusConfig, url: &SecretString) -> anyhow::Result<Self> {
        let servers = url.expose_secret().trim_start_matches("kafka://").to_owned();
        let max_message_bytes = config.max_record_bytes + OVERHEAD;
        let lookup = client(&servers).create_with_context(Quiet)?;
        let producers =
            Producers::new(publish::settings(&servers, max_message_bytes, config.publish_timeout()))?;
        Ok(Self {
            servers,
            prefix: config.prefix.clone(),
            partitions: config.partitions,
            replicas: config.replicas,
            keep: config.keep(),
            max_message_bytes,
            publish_timeout: config.publish_timeout(),
            request_timeout: config.request_timeout(),
            poll: config.poll(),
            lookup: Arc::new(lookup),
            producers,
            known: Mutex::default(),
        })
    }

    pub(super) fn describe(&self) -> String {
        format!("Kafka {}", self.servers)
    }

    pub(super) async fn ping(&self) -> Result<(), BusError> {
        if self.producers.is_closed() {
            return Err(BusError::closed());
        }
        // One topic where one is known: a cluster can have very many.
        let topic = self.known().iter().next().map(|topic| self.name(topic));
        self.metadata(topic).await.map(|_| ())
    }

    pub(super) async fn durability(&self) -> Result<BusDurability, BusError> {
        let topics = self.own_topics().await?;
        let replicas = topics.iter().map(|topic| topic.replicas).min().unwrap_or(self.replicas);
        Ok(BusDurability::Kafka { replicas, min_insync: self.min_insync(&topics).await })
    }

    pub(super) async fn close(&self) {
        self.producers.close().await;
    }

    fn name(&self, topic: &str) -> String {
        format!("{}-{topic}", self.prefix)
    }
}

/// What every client of a broker is told.
fn client(servers: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", servers)
        .set("client.id", "bowline")
        .set("socket.keepalive.enable", "true")
        .set("reconnect.backoff.ms", "50")
        .set("reconnect.backoff.max.ms", LONGEST_PAUSE_MS)
        .set_log_level(RDKafkaLogLevel::Warning);
    config
}

/// Whether these can be brokers, without showing them.
pub(super) fn check(servers: &str) -> Result<(), &'static str> {
    let is_server = |server: &str| {
        let host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '[' | ']' | ':');
        let port = server.rsplit_once(':').map(|(_, port)| port.parse::<u16>());
        !server.is_empty() && server.chars().all(host) && matches!(port, Some(Ok(_)))
    };
    let wrong = "must be like kafka://host:port,host:port, without credentials";
    if servers.split(',').all(is_server) { Ok(()) } else { Err(wrong) }
}

/// Runs what blocks where blocking is allowed.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BusError> + Send + 'static,
) -> Result<T, BusError> {
    tokio::task::spawn_blocking(work).await.map_err(BusError::unavailable)?
}

fn away(error: KafkaError) -> BusError {
    BusError::unavailable(error)
}

/// What librdkafka has to say goes to the log of this process. That brokers are away is said by whoever needs them.
pub(super) struct Quiet;

impl ClientContext for Quiet {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        match level {
            RDKafkaLogLevel::Emerg | RDKafkaLogLevel::Alert | RDKafkaLogLevel::Critical => {
                tracing::error!(facility, message, "librdkafka");
            }
            _ => tracing::debug!(facility, message, "librdkafka"),
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        tracing::debug!(%error, reason, "librdkafka");
    }
}

impl ConsumerContext for Quiet {
    fn commit_callback(&self, _: KafkaResult<()>, _: &rdkafka::TopicPartitionList) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_hosts_with_ports_and_nothing_else() {
        for good in ["one:9092", "one:9092,two.internal:9093", "[::1]:9092"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in ["", "one", "one:x", "user:hunter2@one:9092", "one:9092,", "one:9092/x", "one:99999"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}

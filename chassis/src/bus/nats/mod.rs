//! NATS JetStream: a stream in file storage for each topic, made when the topic is first used.
//!
//! The client connects by itself, again and again, and would queue what is sent meanwhile; so nothing is handed to it
//! while it is not connected. Everything here works with servers from 2.9 on.

mod address;
mod publish;
mod reader;

pub(super) use address::check;
pub(super) use reader::Reader;

use super::{BusConfig, BusDurability, BusError};
use address::Address;
use anyhow::{Context as _, anyhow};
use async_nats::connection::State;
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config, Info, StorageType, Stream};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use futures_util::TryStreamExt;
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};

/// For how long the server recognises a record that is published again; the server's own default.
const DUPLICATES_KNOWN_FOR: Duration = Duration::from_secs(120);
/// The longest pause between two attempts to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Nats {
    client: Client,
    jetstream: Context,
    connected: watch::Receiver<bool>,
    closed: AtomicBool,
    place: String,
    prefix: String,
    replicas: u32,
    keep: Duration,
    publish_timeout: Duration,
    request_timeout: Duration,
    /// Topics whose stream is known to be there.
    known: Mutex<HashSet<Box<str>>>,
}

impl Nats {
    pub(super) async fn open(config: &BusConfig, url: &SecretString) -> anyhow::Result<Self> {
        let address = Address::read(url.expose_secret()).map_err(|reason| anyhow!("bus.url {reason}"))?;
        let (tell, connected) = watch::channel(false);
        let tell = Arc::new(tell);
        let options = ConnectOptions::new()
            .name("bowline")
            .retry_on_initial_connect()
            .connection_timeout(config.request_timeout())
            .request_timeout(Some(config.request_timeout()))
            .reconnect_delay_callback(|attempts| {
                let doubled = u32::try_from(attempts.min(10)).map_or(0, |attempts| 1_u64 << attempts);
                Duration::from_millis(doubled).min(LONGEST_PAUSE)
            })
            .event_callback(move |event| {
                let tell = Arc::clone(&tell);
                async move { note(&event, &tell) }
            });
        let place = address.describe();
        let client = address.connect(options).await.context("the connection to NATS cannot be made")?;
        let jetstream = ContextBuilder::new()
            .timeout(config.request_timeout())
            .ack_timeout(config.publish_timeout())
            .build(client.clone());
        Ok(Self {
            client,
            jetstream,
            connected,
            closed: AtomicBool::new(false),
            place,
            prefix: config.prefix.clone(),
            replicas: config.replicas,
            keep: config.keep(),
            publish_timeout: config.publish_timeout(),
            request_timeout: config.request_timeout(),
            known: Mutex::default(),
        })
    }

    pub(super) fn describe(&self) -> String {
        self.place.clone()
    }

    pub(super) async fn ping(&self) -> Result<(), BusError> {
        self.wait_connected(Instant::now() + self.request_timeout).await?;
        // What asks for the account fails on servers before 2.10, whose answer lacks fields; its text is not needed.
        let asked = self.jetstream.request("INFO", &());
        let answer: serde_json::Value = self.in_time(asked).await?;
        match answer.get("error") {
            None => Ok(()),
            Some(error) => Err(BusError::Unavailable(format!("JetStream: {error}"))),
        }
    }

    /// The fewest replicas of all streams of this installation, or what new ones get.
    pub(super) async fn durability(&self) -> Result<BusDurability, BusError> {
        self.wait_connected(Instant::now() + self.request_timeout).await?;
        let ours = format!("{}-", self.prefix);
        let all: Vec<Info> = self.in_time(self.jetstream.streams().try_collect()).await?;
        let replicas = all.iter().filter(|stream| stream.config.name.starts_with(&ours));
        let replicas = replicas.map(|stream| u32::try_from(stream.config.num_replicas).unwrap_or(u32::MAX));
        Ok(BusDurability::Nats { replicas: replicas.min().unwrap_or(self.replicas) })
    }

    pub(super) async fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
        if let Err(error) = self.client.drain().await {
            tracing::debug!(%error, "the connection to NATS was not closed in order");
        }
    }

    /// Waits for the connection: at start and right after a fault it is there a moment later.
    async fn wait_connected(&self, deadline: Instant) -> Result<(), BusError> {
        if self.closed.load(Ordering::SeqCst) {
            return Err(BusError::closed());
        }
        let mut connected = self.connected.clone();
        let away = || BusError::Unavailable(format!("no connection to {}", self.place));
        let waited = timeout_at(deadline, connected.wait_for(|connected| *connected)).await;
        waited.map_err(|_| away())?.map_err(|_| away())?;
        // The news of a lost connection takes a moment.
        if self.client.connection_state() == State::Connected { Ok(()) } else { Err(away()) }
    }

    async fn in_time<T, E: std::fmt::Display>(
        &self,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, BusError> {
        let answer = timeout(self.request_timeout, answer).await;
        answer.map_err(|_| BusError::no_answer())?.map_err(BusError::unavailable)
    }

    fn name(&self, topic: &str) -> String {
        format!("{}-{topic}", self.prefix)
    }

    fn subject(&self, topic: &str) -> String {
        format!("{}.{topic}", self.prefix)
    }

    fn known(&self) -> MutexGuard<'_, HashSet<Box<str>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The stream of a topic, made if it is missing, with the age up to which records are kept as it is configured now.
    async fn stream(&self, topic: &str) -> Result<Stream, BusError> {
        let wanted = Config {
            name: self.name(topic),
            subjects: vec![self.subject(topic)],
            storage: StorageType::File,
            num_replicas: self.replicas as usize,
            max_age: self.keep,
            duplicate_window: DUPLICATES_KNOWN_FOR.min(self.keep),
            deny_delete: true,
            ..Config::default()
        };
        let stream = self.in_time(self.jetstream.get_or_create_stream(wanted)).await?;
        let found = &stream.cached_info().config;
        if found.max_age != self.keep {
            let changed = Config { max_age: self.keep, ..found.clone() };
            self.in_time(self.jetstream.update_stream(changed)).await?;
        }
        self.known().insert(topic.into());
        Ok(stream)
    }
}

fn note(event: &Event, connected: &watch::Sender<bool>) {
    match event {
        Event::Connected => {
            tracing::info!("connected to NATS");
            connected.send_replace(true);
        }
        Event::Disconnected | Event::Closed => {
            tracing::warn!(%event, "the connection to NATS is gone");
            connected.send_replace(false);
        }
        Event::ServerError(_) | Event::SlowConsumer(_) => tracing::warn!(%event, "NATS"),
        Event::ClientError(_) | Event::LameDuckMode | Event::Draining => tracing::debug!(%event, "NATS"),
    }
}

/// The header that holds the key: form-encoded, because a header has no line breaks and no leading blanks.
const KEY: &str = "Bowline-Key";

fn encode_key(key: &str) -> String {
    form_urlencoded::byte_serialize(key.as_bytes()).collect()
}

fn decode_key(text: &str) -> Option<Box<str>> {
    let mut pairs = form_urlencoded::parse(text.as_bytes());
    match (pairs.next(), pairs.next()) {
        (None, _) => Some(Box::default()),
        (Some((key, value)), None) if value.is_empty() => Some(key.into()),
        _ => None,
    }
}

fn id_and_key(message: &jetstream::Message) -> Option<(uuid::Uuid, Box<str>)> {
    let headers = message.headers.as_ref()?;
    let id = headers.get(async_nats::header::NATS_MESSAGE_ID)?.as_str().parse().ok()?;
    Some((id, decode_key(headers.get(KEY)?.as_str())?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_survives_its_header() {
        for key in ["", " ", "a=b&c", "a+b %2F", "line\r\nbreak", "\u{1f600}", "0199-ab"] {
            let header = encode_key(key);
            assert!(header.is_ascii() && !header.contains(['\r', '\n', ' ']), "{header:?}");
            assert_eq!(decode_key(&header).as_deref(), Some(key));
        }
    }
}

//! Wakes whoever waits for news, in every replica of a service.
//!
//! Somebody changes what others wait for and calls [`Wake::all`]; who waits looks again. Within a process that needs
//! nothing; between processes it goes through Redis (`redis.url`). A wake carries no data and may be lost while Redis is
//! away, so who waits also looks again after [`Wake::patience`]: shorter without Redis, longer with it.

use crate::config::{Mode, Problems, Validate, settings};
use crate::stop::Stop;
use anyhow::Context as _;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::StreamExt;
use metrics::gauge;
use redis::AsyncCommands;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use secrecy::{ExposeSecret, SecretString};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;
use tokio::sync::mpsc::{self, Receiver, Sender};

/// Between looks when nothing but this process can wake.
const PATIENCE_ALONE: Duration = Duration::from_millis(250);
/// Between looks when Redis wakes: only for a wake that was lost.
const PATIENCE_REDIS: Duration = Duration::from_secs(1);
/// Wakes that wait to be published; one more of the same topic would tell nothing new.
const QUEUE: usize = 64;

settings! {
    /// Redis, by which replicas of a service wake each other. Without it they look again every quarter of a second.
    pub struct RedisConfig {
        /// redis://host:port or rediss://user:password@host:port.
        url: Option<SecretString> = None, env "REDIS_URL";
    }
}

impl Validate for RedisConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        if let Some(url) = &self.url
            && redis::Client::open(url.expose_secret()).is_err()
        {
            problems.add("url", "must be like redis://host:port or rediss://user:password@host:port");
        }
    }
}

/// All topics of a process.
#[derive(Debug, Clone)]
pub struct Wakes(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    topics: Mutex<HashMap<String, Arc<Notify>>>,
    publish: Option<Sender<String>>,
}

/// One topic.
#[derive(Debug, Clone)]
pub struct Wake {
    channel: String,
    here: Arc<Notify>,
    wakes: Wakes,
}

impl Wake {
    /// Wakes everybody who waits for this topic, here and in other processes.
    pub fn all(&self) {
        self.here.notify_waiters();
        if let Some(publish) = &self.wakes.0.publish {
            // A full queue already holds more wakes than anybody needs.
            drop(publish.try_send(self.channel.clone()));
        }
    }

    /// Resolves at the next wake from its creation on, once it is pinned and enabled.
    pub fn woken(&self) -> Notified<'_> {
        self.here.notified()
    }

    /// How long to wait at most before looking again.
    #[must_use]
    pub fn patience(&self) -> Duration {
        if self.wakes.0.publish.is_some() { PATIENCE_REDIS } else { PATIENCE_ALONE }
    }
}

impl Wakes {
    /// The wakes of a process, and the work that carries them to others when Redis is configured.
    ///
    /// # Errors
    /// When the URL is not one.
    pub fn new(config: &RedisConfig) -> anyhow::Result<(Self, Option<Carrier>)> {
        let topics = Mutex::default();
        let Some(url) = &config.url else {
            return Ok((Self(Arc::new(Inner { topics, publish: None })), None));
        };
        let client = redis::Client::open(url.expose_secret()).context("redis.url")?;
        let (publish, queue) = mpsc::channel(QUEUE);
        let wakes = Self(Arc::new(Inner { topics, publish: Some(publish) }));
        Ok((wakes.clone(), Some(Carrier { client, wakes, queue })))
    }

    /// The topic of a service.
    #[must_use]
    pub fn topic(&self, service: &str, name: &str) -> Wake {
        let channel = format!("{PREFIX}{service}:{name}");
        let mut topics = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        let here = topics.entry(channel.clone()).or_default().clone();
        Wake { channel, here, wakes: self.clone() }
    }

    fn here(&self, channel: Option<&str>) {
        let topics = self.0.topics.lock().unwrap_or_else(PoisonError::into_inner);
        match channel {
            Some(channel) => topics.get(channel).into_iter().for_each(|topic| topic.notify_waiters()),
            None => topics.values().for_each(|topic| topic.notify_waiters()),
        }
    }
}

/// Channels of all topics begin with it.
const PREFIX: &str = "bowline:wake:";

/// Carries wakes between processes through Redis until the stop.
#[derive(Debug)]
pub struct Carrier {
    client: redis::Client,
    wakes: Wakes,
    queue: Receiver<String>,
}

impl Carrier {
    /// Publishes and listens. What fails is tried again: without Redis everything still works, a little later.
    ///
    /// # Errors
    /// When the connection cannot even be configured.
    pub async fn carry(self, stop: Stop) -> anyhow::Result<()> {
        let Self { client, wakes, queue } = self;
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_connection_timeout(Some(Duration::from_secs(2)))
            .set_response_timeout(Some(Duration::from_secs(2)));
        let publisher = ConnectionManager::new_lazy_with_config(client.clone(), config)?;
        tokio::select! {
            () = publish(publisher, queue) => {}
            () = listen(&client, &wakes) => {}
            () = stop.stopping() => {}
        }
        Ok(())
    }
}

async fn publish(mut redis: ConnectionManager, mut queue: Receiver<String>) {
    while let Some(channel) = queue.recv().await {
        let told: Result<i64, _> = redis.publish(&channel, "").await;
        if let Err(error) = told {
            tracing::debug!(channel, %error, "other replicas were not woken; they look again by themselves");
        }
    }
}

async fn listen(client: &redis::Client, wakes: &Wakes) {
    let up = gauge!("redis_up");
    let pauses = || {
        let growing = ExponentialBuilder::default().with_jitter().without_max_times();
        growing.with_min_delay(Duration::from_millis(50)).with_max_delay(Duration::from_secs(2)).build()
    };
    let mut pause = pauses();
    loop {
        match subscribe(client).await {
            Ok(mut messages) => {
                pause = pauses();
                up.set(1.0);
                // Nobody knows what was missed before.
                wakes.here(None);
                while let Some(message) = messages.next().await {
                    wakes.here(Some(message.get_channel_name()));
                }
                tracing::warn!(
                    "the connection to Redis ended; replicas wake each other later until it is back"
                );
            }
            Err(error) => tracing::debug!(%error, "Redis does not answer"),
        }
        up.set(0.0);
        tokio::time::sleep(pause.next().unwrap_or(Duration::from_secs(2))).await;
    }
}

async fn subscribe(client: &redis::Client) -> redis::RedisResult<redis::aio::PubSubStream> {
    let (mut sink, stream) = client.get_async_pubsub().await?.split();
    sink.psubscribe(format!("{PREFIX}*")).await?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop;

    fn config(url: Option<&str>) -> RedisConfig {
        RedisConfig { url: url.map(|url| url.to_owned().into()) }
    }

    #[tokio::test]
    async fn a_wake_reaches_who_waits_for_its_topic_only() {
        let (wakes, carrier) = Wakes::new(&config(None)).unwrap();
        assert!(carrier.is_none());
        let (mine, other) = (wakes.topic("auth", "news"), wakes.topic("auth", "other"));
        let mut woken = std::pin::pin!(mine.woken());
        let mut sleeping = std::pin::pin!(other.woken());
        assert!(!woken.as_mut().enable() && !sleeping.as_mut().enable());
        wakes.topic("auth", "news").all();
        woken.await;
        assert!(!sleeping.as_mut().enable());
    }

    #[tokio::test]
    async fn a_redis_that_is_away_fails_nothing() {
        let (wakes, carrier) = Wakes::new(&config(Some("redis://127.0.0.1:1"))).unwrap();
        let (stopper, stop) = stop::channel();
        let mut carrying = tokio::task::JoinSet::new();
        carrying.spawn(carrier.unwrap().carry(stop));
        let topic = wakes.topic("auth", "news");
        let mut woken = std::pin::pin!(topic.woken());
        woken.as_mut().enable();
        topic.all();
        woken.await;
        stopper.stop();
        carrying.join_next().await.unwrap().unwrap().unwrap();
    }

    #[test]
    fn what_is_not_a_redis_url_is_refused() {
        let mut problems = Problems::new();
        config(Some("http://redis")).validate(Mode::Development, &mut problems);
        assert!(!problems.is_empty());
    }
}

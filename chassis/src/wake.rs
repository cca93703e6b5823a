//! Wakes whoever waits for news, in every replica of a service.
//!
//! Somebody changes what others wait for and calls [`Wake::all`]; who waits looks again. Within a process that needs
//! nothing; between processes it goes through Redis (`redis.url`). A wake carries no data and may be lost while Redis is
//! away, so who waits also looks again after [`Wake::patience`]: shorter without Redis, longer with it.

use crate::state::{Connection, Heard, Link, RedisConfig};
use crate::stop::Stop;
use redis::cmd;
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
        let Some(link) = config.link()? else {
            return Ok((Self(Arc::new(Inner { topics, publish: None })), None));
        };
        let (publish, queue) = mpsc::channel(QUEUE);
        let wakes = Self(Arc::new(Inner { topics, publish: Some(publish) }));
        Ok((wakes.clone(), Some(Carrier { link, wakes, queue })))
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
pub struct Carrier {
    link: Link,
    wakes: Wakes,
    queue: Receiver<String>,
}

impl Carrier {
    /// Publishes and listens. What fails is tried again: without Redis everything still works, a little later.
    ///
    /// # Errors
    /// When the connection cannot even be configured.
    pub async fn carry(self, stop: Stop) -> anyhow::Result<()> {
        let Self { link, wakes, queue } = self;
        let publisher = link.connect()?;
        let pattern = format!("{PREFIX}*");
        let following = link.follow(&pattern, "redis_up", |heard| match heard {
            // Nobody knows what was missed before.
            Heard::Again => wakes.here(None),
            Heard::Message(message) => wakes.here(Some(message.get_channel_name())),
            Heard::Lost => {}
        });
        tokio::select! {
            () = publish(&link, &publisher, queue) => {}
            () = following => {}
            () = stop.stopping() => {}
        }
        Ok(())
    }
}

impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Carrier").field("place", &self.link.place()).finish_non_exhaustive()
    }
}

async fn publish(link: &Link, connection: &Connection, mut queue: Receiver<String>) {
    while let Some(channel) = queue.recv().await {
        if let Err(error) = link.command(connection, cmd("PUBLISH").arg(&channel).arg("")).await {
            tracing::debug!(channel, %error, "other replicas were not woken; they look again by themselves");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop;

    fn config(url: Option<&str>) -> RedisConfig {
        RedisConfig { url: url.map(|url| url.to_owned().into()), ..RedisConfig::default() }
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
}

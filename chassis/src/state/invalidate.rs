//! News that something which others may hold a copy of has changed.
//!
//! What must hold: whoever subscribes either gets an invalidation or is told that everything may be stale. What cannot be
//! promised: that it arrives while Redis is away. A copy needs a time to live as well.

use super::remote::{Heard, Link};
use crate::stop::Stop;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::broadcast::{self, Receiver, Sender, error::RecvError};
use uuid::Uuid;

/// How many invalidations a subscriber may be behind before it is told that everything may be stale.
const BEHIND: usize = 1_024;
/// Channels of all services begin with it.
const PREFIX: &str = "bowline:invalidate:";

/// What is not as it was.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    /// Keys of single entries.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Tags, each for all entries that carry it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

/// What a subscriber is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stale {
    /// This has changed.
    These(Arc<Invalidation>),
    /// Something may have been missed: nothing that was copied before can be trusted.
    Everything,
}

/// What other instances, and this one, have invalidated since [`State::invalidations`](super::State::invalidations).
#[derive(Debug)]
pub struct Invalidations {
    receiver: Receiver<Stale>,
    /// Keeps the sender alive.
    _hub: Arc<Hub>,
}

impl Invalidations {
    /// Waits for the next one. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Stale {
        match self.receiver.recv().await {
            Ok(stale) => stale,
            Err(RecvError::Lagged(_)) => Stale::Everything,
            // The hub is held, so this is not reached.
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}

/// The subscribers of this process, by service.
#[derive(Debug)]
pub(super) struct Hub {
    origin: Uuid,
    services: Mutex<HashMap<String, Sender<Stale>>>,
    /// Whether other processes are heard.
    hears: AtomicBool,
}

/// An invalidation between processes.
#[derive(Serialize, Deserialize)]
struct Message {
    /// The process that sent it, which has told its own subscribers itself.
    origin: Uuid,
    #[serde(flatten)]
    invalidation: Invalidation,
}

impl Hub {
    pub(super) fn new() -> Self {
        Self { origin: Uuid::new_v4(), services: Mutex::default(), hears: AtomicBool::new(false) }
    }

    pub(super) fn hears(&self) -> bool {
        self.hears.load(Ordering::Relaxed)
    }

    fn set_hears(&self, hears: bool) {
        self.hears.store(hears, Ordering::Relaxed);
    }

    pub(super) fn subscribe(self: &Arc<Self>, service: &str) -> Invalidations {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        let sender = services.entry(service.to_owned()).or_insert_with(|| broadcast::channel(BEHIND).0);
        Invalidations { receiver: sender.subscribe(), _hub: Arc::clone(self) }
    }

    /// Tells the subscribers of this process.
    pub(super) fn tell(&self, service: &str, invalidation: Invalidation) {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = services.get(service) {
            // An error says that nobody listens.
            drop(sender.send(Stale::These(Arc::new(invalidation))));
        }
    }

    /// The channel of a service, and what is said there.
    pub(super) fn message(&self, service: &str, invalidation: Invalidation) -> (String, String) {
        let message = Message { origin: self.origin, invalidation };
        // Texts in lists cannot fail to be written.
        (format!("{PREFIX}{service}"), serde_json::to_string(&message).unwrap_or_default())
    }

    fn everything(&self) {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        for sender in services.values() {
            drop(sender.send(Stale::Everything));
        }
    }

    fn hear(&self, channel: &str, payload: &[u8]) {
        let Some(service) = channel.strip_prefix(PREFIX) else { return };
        match serde_json::from_slice::<Message>(payload) {
            Ok(message) if message.origin == self.origin => {}
            Ok(message) => self.tell(service, message.invalidation),
            Err(error) => {
                tracing::warn!(service, %error, "an invalidation cannot be read; everything is taken for stale");
                self.everything();
            }
        }
    }
}

/// Hears invalidations of other processes until the stop.
pub struct Listener {
    pub(super) link: Link,
    pub(super) hub: Arc<Hub>,
}

impl Listener {
    /// Listens. A connection that ends is made again, and subscribers are told that they may have missed something.
    ///
    /// # Errors
    /// None; it is a worker's work.
    pub async fn listen(self, stop: Stop) -> anyhow::Result<()> {
        let Self { link, hub } = self;
        let pattern = format!("{PREFIX}*");
        let following = link.follow(&pattern, "state_invalidations_up", |heard| match heard {
            Heard::Again => {
                hub.everything();
                hub.set_hears(true);
            }
            Heard::Lost => hub.set_hears(false),
            Heard::Message(message) => hub.hear(message.get_channel_name(), message.get_payload_bytes()),
        });
        tokio::select! {
            () = following => {}
            () = stop.stopping() => {}
        }
        Ok(())
    }
}

impl std::fmt::Debug for Listener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Listener").field("place", &self.link.place()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn key(key: &str) -> Invalidation {
        Invalidation { keys: vec![key.to_owned()], tags: Vec::new() }
    }

    #[tokio::test]
    async fn an_invalidation_of_another_process_is_told_and_ones_own_echo_is_not() {
        let (hub, other) = (Arc::new(Hub::new()), Hub::new());
        let mut news = hub.subscribe("catalog");
        let (channel, echo) = hub.message("catalog", key("1"));
        hub.hear(&channel, echo.as_bytes());
        assert_eq!(news.next().now_or_never(), None);
        let (channel, message) = other.message("catalog", key("2"));
        hub.hear(&channel, message.as_bytes());
        assert_eq!(news.next().now_or_never(), Some(Stale::These(Arc::new(key("2")))));
    }

    #[tokio::test]
    async fn whoever_is_far_behind_is_told_that_everything_may_be_stale() {
        let hub = Arc::new(Hub::new());
        let mut news = hub.subscribe("catalog");
        for n in 0..=BEHIND {
            hub.tell("catalog", key(&n.to_string()));
        }
        assert_eq!(news.next().await, Stale::Everything);
    }

    #[tokio::test]
    async fn what_cannot_be_read_makes_everything_stale() {
        let hub = Arc::new(Hub::new());
        let mut news = hub.subscribe("catalog");
        hub.hear("bowline:invalidate:catalog", b"{");
        assert_eq!(news.next().now_or_never(), Some(Stale::Everything));
    }
}

//! What Redis and the other instances still have to be told.
//!
//! What must hold: until Redis has been told of an invalidation, this process takes nothing of that key or tag from it.
//! What could not be told is tried again until it could; the next attempt takes everything that came meanwhile with it.

use super::shared::{copy_of, outdate};
use crate::state::{Invalidation, State, StateError};
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use metrics::counter;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::sleep;

const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How many keys and tags wait at most; what comes on top of that is good elsewhere until its time is over.
const MOST: usize = 50_000;
/// How many are told at once.
const AT_ONCE: usize = 64;

/// What is to become of a key in Redis.
#[derive(Debug, Clone)]
pub(super) enum Deed {
    /// Whatever is there goes.
    Remove,
    /// What a writer has written takes the place of its lease; if that is gone, whatever is there goes.
    Replace { lease: Bytes, copy: Bytes, ttl: Duration },
}

#[derive(Debug, Default, Clone)]
struct Batch {
    keys: BTreeMap<String, Deed>,
    tags: BTreeSet<String>,
}

impl Batch {
    fn len(&self) -> usize {
        self.keys.len() + self.tags.len()
    }

    fn holds(&self, key: &str, tags: &[String]) -> bool {
        self.keys.contains_key(key) || tags.iter().any(|tag| self.tags.contains(tag))
    }

    fn add(&mut self, key: String, deed: Deed) {
        // Two deeds for one key: whatever one of them would have put there is not what should be.
        let deed = if self.keys.contains_key(&key) { Deed::Remove } else { deed };
        self.keys.insert(key, deed);
    }
}

#[derive(Debug, Default)]
struct Waiting {
    next: Batch,
    now: Batch,
    is_told: bool,
    asked: Vec<oneshot::Sender<Result<(), StateError>>>,
}

#[derive(Debug)]
pub(super) struct Outgoing {
    service: &'static str,
    state: State,
    waiting: Mutex<Waiting>,
    idle: watch::Sender<bool>,
}

impl Outgoing {
    pub(super) fn new(service: &'static str, state: State) -> Self {
        Self { service, state, waiting: Mutex::default(), idle: watch::channel(true).0 }
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether Redis may hold what is known here to be wrong.
    pub(super) fn is_pending(&self, key: &str, tags: &[String]) -> bool {
        let waiting = self.lock();
        waiting.next.holds(key, tags) || waiting.now.holds(key, tags)
    }

    /// Notes what is to be told. When it says true, somebody has to [`Self::tell`].
    pub(super) fn note(&self, keys: Vec<(String, Deed)>, tags: Vec<String>) -> bool {
        let mut waiting = self.lock();
        for (key, deed) in keys {
            if self.has_room(&waiting) {
                waiting.next.add(key, deed);
            }
        }
        for tag in tags {
            if self.has_room(&waiting) {
                waiting.next.tags.insert(tag);
            }
        }
        self.idle.send_replace(false);
        !std::mem::replace(&mut waiting.is_told, true)
    }

    fn has_room(&self, waiting: &Waiting) -> bool {
        let room = waiting.next.len() + waiting.now.len() < MOST;
        if !room {
            counter!("cache_invalidations_lost_total", "service" => self.service).increment(1);
        }
        room
    }

    /// Says how the attempt ended that takes with it what has been noted so far.
    pub(super) fn ask(&self) -> oneshot::Receiver<Result<(), StateError>> {
        let (told, asked) = oneshot::channel();
        let mut waiting = self.lock();
        if waiting.is_told {
            waiting.asked.push(told);
        } else {
            // All has been told already.
            drop(told.send(Ok(())));
        }
        asked
    }

    /// Waits until nothing is left to be told.
    pub(super) async fn settled(&self) {
        let mut idle = self.idle.subscribe();
        // The sender is held here, so it cannot be gone.
        drop(idle.wait_for(|idle| *idle).await);
    }

    /// Tells everything, and again what could not be told, until there is nothing more.
    pub(super) async fn tell(&self) {
        let mut pause = FIRST_PAUSE;
        while let Some((batch, asked)) = self.take() {
            let told = self.send(&batch).await;
            for asked in asked {
                drop(asked.send(told.clone()));
            }
            match told {
                Ok(()) => {
                    self.lock().now = Batch::default();
                    pause = FIRST_PAUSE;
                }
                Err(error) => {
                    self.put_back(batch);
                    if pause == FIRST_PAUSE {
                        tracing::warn!(%error, "Redis cannot be told what has changed; it is tried again");
                    }
                    if error == StateError::Closed {
                        return;
                    }
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
            }
        }
    }

    #[expect(clippy::type_complexity, reason = "a batch and who waits for it")]
    fn take(&self) -> Option<(Batch, Vec<oneshot::Sender<Result<(), StateError>>>)> {
        let mut waiting = self.lock();
        let batch = std::mem::take(&mut waiting.next);
        let asked = std::mem::take(&mut waiting.asked);
        if batch.len() == 0 {
            waiting.is_told = false;
            drop(waiting);
            self.idle.send_replace(true);
            asked.into_iter().for_each(|asked| drop(asked.send(Ok(()))));
            return None;
        }
        waiting.now = batch.clone();
        Some((batch, asked))
    }

    fn put_back(&self, batch: Batch) {
        let mut waiting = self.lock();
        waiting.now = Batch::default();
        for (key, deed) in batch.keys {
            waiting.next.add(key, deed);
        }
        waiting.next.tags.extend(batch.tags);
    }

    /// Redis first: whoever is told of the change must not find there what was before it.
    async fn send(&self, batch: &Batch) -> Result<(), StateError> {
        let deeds = batch.keys.clone().into_iter().map(|(key, deed)| {
            let state = self.state.clone();
            async move { excused(act(&state, &key, &deed).await) }
        });
        each(deeds).await?;
        let tags = batch.tags.clone().into_iter().map(|tag| {
            let state = self.state.clone();
            async move { excused(outdate(&state, &tag).await) }
        });
        each(tags).await?;
        let (keys, tags) = (batch.keys.keys().cloned().collect(), batch.tags.iter().cloned().collect());
        self.state.invalidate_elsewhere(Invalidation { keys, tags }).await
    }
}

async fn act(state: &State, key: &str, deed: &Deed) -> Result<(), StateError> {
    let name = copy_of(key);
    if let Deed::Replace { lease, copy, ttl } = deed
        && state.replace_if(&name, lease, copy.clone(), *ttl).await?
    {
        return Ok(());
    }
    state.remove(&name).await.map(drop)
}

/// A name that Redis cannot have holds nothing there.
fn excused(told: Result<(), StateError>) -> Result<(), StateError> {
    if matches!(told, Err(StateError::Invalid(_))) { Ok(()) } else { told }
}

async fn each(work: impl Iterator<Item: Future<Output = Result<(), StateError>>>) -> Result<(), StateError> {
    let mut work = stream::iter(work).buffer_unordered(AT_ONCE);
    while let Some(done) = work.next().await {
        done?;
    }
    Ok(())
}

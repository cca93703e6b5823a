//! The copies in Redis, which all instances of a service share.
//!
//! What must hold: what a load brings is stored only in place of exactly what its loader found before it began: an older
//! copy, or the lease that it put where there was none. An invalidation removes either, and then the load stores nothing.
//! Tags have a version each, which an invalidation replaces; a copy names those of before its load, and is good only while
//! they are the same. One that Redis has lost is none, so what it lost never makes an old copy good.
//!
//! Redis that is away, slow or full costs at most `cache.patience_ms` and never a read.

use super::registry::Core;
use crate::clock::Ts;
use crate::resilience::Gate;
use crate::state::{State, StateError};
use bytes::Bytes;
use futures_util::future::try_join_all;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use uuid::Uuid;

/// What stands before a copy and before a lease.
const COPY: u8 = b'V';
const LEASE: u8 = b'L';
/// How long a loader or a writer has the key in Redis for itself. When it runs out nothing is stored, that is all.
const LEASE_TTL: Duration = Duration::from_secs(30);
/// How long the version of a tag is known. What carries it is forgotten with it.
const TAG_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// A copy as it stands in Redis.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Record<V> {
    /// Makes every copy another one, although it may hold the same.
    id: Uuid,
    loaded_us: i64,
    fresh_ms: u64,
    /// The versions of its tags, in the order of the key's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    tags: Vec<Uuid>,
    pub(super) value: Option<V>,
}

impl<V> Record<V> {
    pub(super) fn new(value: Option<V>, loaded: Ts, fresh_for: Duration) -> Self {
        let fresh_ms = u64::try_from(fresh_for.as_millis()).unwrap_or(u64::MAX);
        Self { id: Uuid::new_v4(), loaded_us: loaded.micros(), fresh_ms, tags: Vec::new(), value }
    }

    pub(super) const fn loaded(&self) -> Ts {
        Ts::from_micros(self.loaded_us)
    }

    pub(super) const fn fresh_for(&self) -> Duration {
        Duration::from_millis(self.fresh_ms)
    }
}

/// In place of what a load may be stored.
#[derive(Debug, Clone)]
pub(super) struct Ticket {
    instead: Bytes,
    tags: Vec<Uuid>,
}

/// What was found in Redis.
pub(super) enum Look<T> {
    /// A copy, perhaps over its time, and the way to replace it.
    Found(Record<Arc<T>>, Ticket),
    /// Nothing; the key is this loader's now.
    Leased(Ticket),
    /// Nothing that can be used, and nothing may be stored.
    Nothing,
}

/// The way to them, for one operation.
pub(super) struct Shared<'a>(pub(super) &'a Core);

impl Shared<'_> {
    fn state(&self) -> &State {
        &self.0.state
    }

    pub(super) async fn look<T: DeserializeOwned>(&self, key: &str, tags: &[String]) -> Look<T> {
        let pending = || self.0.outgoing.as_ref().is_some_and(|outgoing| outgoing.is_pending(key, tags));
        if pending() || !self.gate().lets_through() {
            return Look::Nothing;
        }
        let found = self.bounded(self.ask(key, tags)).await;
        // What is invalidated here while Redis was asked is refused by its epochs.
        found.unwrap_or(Look::Nothing)
    }

    async fn ask<T: DeserializeOwned>(&self, key: &str, tags: &[String]) -> Result<Look<T>, StateError> {
        let name = copy_of(key);
        let versions = try_join_all(tags.iter().map(|tag| self.version(tag)));
        let (found, tags) = tokio::try_join!(self.state().get(&name), versions)?;
        let Some(found) = found else {
            let instead = lease();
            let leased = self.state().put_if_absent(&name, instead.clone(), LEASE_TTL).await?;
            return Ok(if leased { Look::Leased(Ticket { instead, tags }) } else { Look::Nothing });
        };
        match found.split_first() {
            Some((&COPY, json)) => {
                let record = serde_json::from_slice::<Record<T>>(json).ok();
                let ticket = Ticket { instead: found.clone(), tags };
                Ok(match record.filter(|record| record.tags == ticket.tags) {
                    Some(record) => {
                        let Record { id, loaded_us, fresh_ms, tags, value } = record;
                        let value = value.map(Arc::new);
                        Look::Found(Record { id, loaded_us, fresh_ms, tags, value }, ticket)
                    }
                    // Of another shape, or a tag of it was invalidated.
                    None => Look::Leased(ticket),
                })
            }
            _ => Ok(Look::Nothing),
        }
    }

    /// The version of a tag, which is made when there is none.
    async fn version(&self, tag: &str) -> Result<Uuid, StateError> {
        let name = tag_of(tag);
        let known = async || -> Result<Option<Uuid>, StateError> {
            Ok(self.state().get(&name).await?.and_then(|known| Uuid::from_slice(&known).ok()))
        };
        if let Some(version) = known().await? {
            return Ok(version);
        }
        let made = Uuid::new_v4();
        if self.state().put_if_absent(&name, version(made), TAG_TTL).await? {
            return Ok(made);
        }
        // Somebody was faster; if it is gone again, what carries this is good for nobody.
        Ok(known().await?.unwrap_or(made))
    }

    /// Puts a copy in the place that the ticket names, if that is still as it was.
    pub(super) async fn fill<T: Serialize>(
        &self,
        key: &str,
        ticket: Ticket,
        record: &Record<Arc<T>>,
        ttl: Duration,
    ) {
        let Some(copy) = copy(record, &ticket.tags) else { return };
        if self.gate().lets_through() {
            let name = copy_of(key);
            // Not stored is not stored: the next load is.
            self.bounded(self.state().replace_if(&name, &ticket.instead, copy, ttl)).await;
        }
    }

    /// Takes a key for a writer, whoever has it.
    pub(super) async fn take(&self, key: &str, tags: &[String]) -> Option<Ticket> {
        if !self.gate().lets_through() {
            return None;
        }
        let instead = lease();
        let take = async {
            let tags = try_join_all(tags.iter().map(|tag| self.version(tag))).await?;
            self.state().put(&copy_of(key), instead.clone(), LEASE_TTL).await?;
            Ok(tags)
        };
        let tags = self.bounded(take).await?;
        Some(Ticket { instead, tags })
    }

    fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// What is said within the time that may be waited for it.
    async fn bounded<T>(&self, asked: impl Future<Output = Result<T, StateError>>) -> Option<T> {
        let patience = self.0.config.patience();
        match timeout(patience, asked).await {
            Ok(Ok(said)) => {
                self.gate().open();
                Some(said)
            }
            Ok(Err(error)) => {
                if error.is_unavailable() {
                    self.gate().close();
                }
                tracing::debug!(%error, "Redis has no copy to give");
                None
            }
            Err(_) => {
                self.gate().close();
                None
            }
        }
    }
}

impl Ticket {
    /// What a writer puts in place of its lease: what was there, what comes there.
    pub(super) fn exchange<T: Serialize>(self, record: &Record<Arc<T>>) -> Option<(Bytes, Bytes)> {
        Some((self.instead, copy(record, &self.tags)?))
    }
}

fn copy<T: Serialize>(record: &Record<Arc<T>>, tags: &[Uuid]) -> Option<Bytes> {
    let &Record { id, loaded_us, fresh_ms, .. } = record;
    let record = Record { id, loaded_us, fresh_ms, tags: tags.to_vec(), value: record.value.as_deref() };
    let mut copy = vec![COPY];
    match serde_json::to_writer(&mut copy, &record) {
        Ok(()) => Some(copy.into()),
        Err(error) => {
            tracing::error!(%error, "what is to be kept cannot be written as JSON");
            None
        }
    }
}

fn lease() -> Bytes {
    let mut lease = vec![LEASE];
    lease.extend_from_slice(Uuid::new_v4().as_bytes());
    lease.into()
}

/// The version of a tag as it stands in Redis.
fn version(version: Uuid) -> Bytes {
    Bytes::copy_from_slice(version.as_bytes())
}

/// What a copy is called in the state of the service.
pub(super) fn copy_of(key: &str) -> String {
    format!("cache:{key}")
}

/// What the version of a tag is called.
fn tag_of(tag: &str) -> String {
    format!("cache-tag:{tag}")
}

/// Makes what carries a tag good for nobody.
pub(super) async fn outdate(state: &State, tag: &str) -> Result<(), StateError> {
    state.put(&tag_of(tag), version(Uuid::new_v4()), TAG_TTL).await
}

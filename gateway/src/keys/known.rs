//! The keys that are in use, in memory, each for a short while.
//!
//! A key is good as it was read for `fresh`; in the same time again it still is, while one request reads it anew. After that
//! it has to be read, and only when nobody answers does it go on, until `stale` after it was read. What is not there is
//! remembered apart, so that somebody who tries keys pushes none out that is used.

use super::store::{self, Row};
use super::text::Hash;
use super::{KeyError, Keys};
use chassis::clock::Ts;
use chassis::db::DbError;
use contract::ids::{ApiKeyId, UserId};
use metrics::{Counter, counter};
use moka::sync::Cache;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use uuid::Uuid;

/// For how long it is remembered that there is no such key.
const ABSENT_FOR: Duration = Duration::from_secs(5);
/// Reads of the database at once; others wait, and find most of the time that it was read meanwhile.
const AT_ONCE: usize = 8;
/// How long a request waits for the database when there is something older to go by.
const PATIENCE: Duration = Duration::from_millis(250);
/// How long the database is left alone after it did not answer.
const LEFT_ALONE: Duration = Duration::from_secs(1);
/// Between two notes that a key was used.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// For how long what was read is good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    /// Without another look.
    pub(super) fresh: Duration,
    /// While nobody answers.
    pub(super) stale: Duration,
}

/// A key that was read.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) id: ApiKeyId,
    pub(crate) owner: UserId,
    scopes: Box<[Box<str>]>,
    secret: Hash,
    previous: Option<(Hash, Ts)>,
    expires: Option<Ts>,
    revoked: bool,
    read: Ts,
    /// Whether somebody reads it anew.
    reading: AtomicBool,
    /// When it was last noted that it is used, in microseconds. What is read anew goes on with it.
    noted: Arc<AtomicI64>,
}

impl Known {
    fn of(row: Row, read: Ts) -> Result<Self, DbError> {
        let corrupt = || DbError::Decode("the hash of an API key is none".into());
        let previous = match (row.previous_hash, row.previous_until) {
            (Some(hash), Some(until)) => Some((Hash::kept(&hash).ok_or_else(corrupt)?, until)),
            _ => None,
        };
        Ok(Self {
            id: ApiKeyId(row.id),
            owner: UserId(row.owner_id),
            scopes: row.scopes.0.into_iter().map(Into::into).collect(),
            secret: Hash::kept(&row.secret_hash).ok_or_else(corrupt)?,
            previous,
            expires: row.expires_at,
            revoked: row.revoked_at.is_some(),
            read,
            reading: AtomicBool::new(false),
            noted: Arc::new(AtomicI64::new(row.last_used_at.map_or(i64::MIN, Ts::micros))),
        })
    }

    /// Whether a key may something.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.scopes.iter().any(|one| **one == *scope)
    }

    /// Everything that it may.
    pub(crate) fn scopes(&self) -> &[Box<str>] {
        &self.scopes
    }

    /// Whether who has this secret may use it now.
    pub(super) fn proves(&self, secret: &Hash, now: Ts) -> Result<(), KeyError> {
        let is_current = self.secret.is(secret);
        let is_previous =
            self.previous.as_ref().is_some_and(|(hash, until)| hash.is(secret) & (now < *until));
        if !(is_current | is_previous) {
            return Err(KeyError::Unknown);
        }
        if self.revoked {
            return Err(KeyError::Revoked);
        }
        match self.expires {
            Some(expires) if expires <= now => Err(KeyError::Ended),
            _ => Ok(()),
        }
    }

    /// Whether it is to be noted now that it was used; so for one of those who ask at the same time.
    pub(super) fn was_used(&self, now: Ts) -> bool {
        let noted = self.noted.load(Ordering::Relaxed);
        if noted != i64::MIN && now.since(Ts::from_micros(noted)) < NOTED_EVERY {
            return false;
        }
        self.noted.compare_exchange(noted, now.micros(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

/// What is remembered.
#[derive(Debug)]
pub(super) struct Memory {
    known: Cache<Uuid, Arc<Known>>,
    /// Since when there is no such key.
    absent: Cache<Uuid, Ts>,
    /// Whether anything was ever read: without that, nothing has to be forgotten.
    pub(super) in_use: AtomicBool,
    /// Counts changes: what was read before one and kept after it is not good.
    changes: AtomicU64,
    reads: Semaphore,
    /// Until when the database is left alone, in microseconds.
    away_until: AtomicI64,
    span: Span,
    counts: Counts,
}

/// How keys were found, looked up once.
struct Counts {
    memory: Counter,
    read: Counter,
    stale: Counter,
    away: Counter,
}

impl std::fmt::Debug for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counts")
    }
}

impl Memory {
    pub(super) fn new(span: Span, most: u64) -> Self {
        let count = |found| counter!("gateway_api_key_lookups_total", "found" => found);
        Self {
            known: Cache::new(most),
            absent: Cache::new(most),
            in_use: AtomicBool::new(false),
            changes: AtomicU64::new(0),
            reads: Semaphore::new(AT_ONCE),
            away_until: AtomicI64::new(i64::MIN),
            span,
            counts: Counts {
                memory: count("memory"),
                read: count("database"),
                stale: count("stale"),
                away: count("away"),
            },
        }
    }

    /// Forgets a key that was changed.
    pub(super) fn forget(&self, id: ApiKeyId) {
        // First counted: who reads now and keeps later sees it.
        self.changes.fetch_add(1, Ordering::SeqCst);
        self.known.invalidate(&id.uuid());
        self.absent.invalidate(&id.uuid());
    }

    fn is_absent(&self, id: ApiKeyId, now: Ts) -> bool {
        self.absent.get(&id.uuid()).is_some_and(|since| now.since(since) < ABSENT_FOR)
    }
}

impl Keys {
    /// The key of this identifier as it is known, or read.
    pub(super) async fn known(&self, id: ApiKeyId) -> Result<Option<Arc<Known>>, KeyError> {
        let memory = &self.memory;
        let now = self.clock.now();
        let Some(known) = memory.known.get(&id.uuid()) else {
            if memory.is_absent(id, now) {
                memory.counts.memory.increment(1);
                return Ok(None);
            }
            return self.read(id, now).await.inspect_err(|_| memory.counts.away.increment(1));
        };
        let age = now.since(known.read);
        let fresh = memory.span.fresh;
        if age <= fresh || (age <= fresh * 2 && known.reading.swap(true, Ordering::AcqRel)) {
            memory.counts.memory.increment(1);
            return Ok(Some(known));
        }
        let read = timeout(PATIENCE, self.read(id, now)).await;
        match read.unwrap_or_else(|_| Err(self.away(anyhow::anyhow!("the database takes too long"), now))) {
            Ok(read) => Ok(read),
            Err(KeyError::Away(_)) if age <= memory.span.stale => {
                memory.counts.stale.increment(1);
                Ok(Some(known))
            }
            Err(error) => {
                memory.counts.away.increment(1);
                Err(error)
            }
        }
    }

    /// Reads a key, unless somebody has while it waited.
    async fn read(&self, id: ApiKeyId, now: Ts) -> Result<Option<Arc<Known>>, KeyError> {
        let memory = &self.memory;
        if now.micros() < memory.away_until.load(Ordering::Relaxed) {
            return Err(KeyError::Away(anyhow::anyhow!("the database did not answer a moment ago")));
        }
        let permit = memory.reads.acquire().await.map_err(|closed| KeyError::Away(closed.into()))?;
        let before = memory.known.get(&id.uuid());
        if let Some(known) = before.as_ref().filter(|known| now <= known.read) {
            return Ok(Some(Arc::clone(known)));
        }
        if before.is_none() && memory.is_absent(id, now) {
            return Ok(None);
        }
        memory.in_use.store(true, Ordering::SeqCst);
        let changes = memory.changes.load(Ordering::SeqCst);
        let row = store::find(&self.db, id).await.map_err(|error| self.away(error.into(), now))?;
        memory.counts.read.increment(1);
        let known =
            row.map(|row| Known::of(row, now)).transpose().map_err(|error| self.away(error.into(), now))?;
        let found = known.map(|known| {
            let noted = before.map_or_else(|| Arc::clone(&known.noted), |before| Arc::clone(&before.noted));
            Arc::new(Known { noted, ..known })
        });
        match &found {
            Some(known) => memory.known.insert(id.uuid(), Arc::clone(known)),
            None => {
                memory.known.invalidate(&id.uuid());
                memory.absent.insert(id.uuid(), now);
            }
        }
        if memory.changes.load(Ordering::SeqCst) != changes {
            memory.known.invalidate(&id.uuid());
            memory.absent.invalidate(&id.uuid());
        }
        drop(permit);
        Ok(found)
    }

    /// Leaves the database alone for a moment.
    fn away(&self, cause: anyhow::Error, now: Ts) -> KeyError {
        self.memory.away_until.store((now + LEFT_ALONE).micros(), Ordering::Relaxed);
        KeyError::Away(cause)
    }
}

//! API keys: what programs prove themselves with at routes of the file.
//!
//! ```text
//! X-Api-Key -> text -> known (in memory) -> store
//!                        ^ follow: what was changed, here or by another replica
//! ```
//!
//! What must hold:
//! - A secret is told once and kept as a hash; no log, metric, error or list has it.
//! - A key that was taken back ends in every replica within about a second, by [`follow`] over the shared database, and in any
//!   case after twice `gateway.key_fresh_secs`, when what is known is read again.
//! - While the database is away, keys that are known go on for `gateway.key_stale_secs`; of others nobody can tell (503).
//! - A request with a key that is known waits for nothing; one in `gateway.key_fresh_secs` waits for the database, and a quarter
//!   of a second at most.
//!
//! What it does not do: it keeps no answer to a request that makes a secret, so making and rotating take no
//! `Idempotency-Key` (a secret would be kept with the answer). Who lost an answer rotates the key, or takes it back.

mod api;
mod follow;
mod known;
mod store;
mod text;
mod used;

#[cfg(test)]
mod tests;

pub(crate) use api::routes;
pub(crate) use text::PREFIX;

use crate::config::GatewayConfig;
use chassis::clock::{Clock, Ts};
use chassis::db::{Db, DbError};
use chassis::error::ApiError;
use chassis::service::{Context, Parts};
use chassis::wake::Wake;
use contract::ErrorCode;
use contract::ids::ApiKeyId;
use known::{Known, Memory, Span};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;
use text::{Hash, Sent};
use used::Used;

/// Why a key does not count.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// Not a key of ours, or not its secret.
    #[error("the key is not known")]
    Unknown,
    /// It was good until its time was over.
    #[error("the key has ended")]
    Ended,
    /// It was taken back.
    #[error("the key was taken back")]
    Revoked,
    /// Nobody can tell: the database is away, or too busy.
    #[error("keys cannot be looked up now")]
    Away(#[source] anyhow::Error),
}

impl From<KeyError> for ApiError {
    #[track_caller]
    fn from(error: KeyError) -> Self {
        let refused = |message: &'static str| Self::new(ErrorCode::Unauthenticated, message);
        match error {
            KeyError::Unknown => refused("The API key is not known."),
            KeyError::Ended => refused("The API key has ended. Ask for another one."),
            KeyError::Revoked => refused("The API key was taken back."),
            KeyError::Away(cause) => Self::unavailable(cause, Duration::from_secs(1)),
        }
    }
}

/// The keys as one process knows them. Cheap to clone; clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Keys(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    db: Db,
    clock: Clock,
    memory: Memory,
    used: Used,
    /// Wakes every replica when a key was changed.
    changed: Wake,
    /// The position up to which changes were heard of.
    seen: AtomicI64,
}

impl std::ops::Deref for Keys {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

/// A key that was good, with what proved it: for a while after a rotation two secrets do.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    known: Arc<Known>,
    hash: Hash,
}

impl std::ops::Deref for Held {
    type Target = Known;

    fn deref(&self) -> &Known {
        &self.known
    }
}

impl Keys {
    /// The keys of a gateway.
    pub(crate) async fn open(context: &Context, config: &GatewayConfig) -> anyhow::Result<Self> {
        let span = Span {
            fresh: Duration::from_secs(config.key_fresh_secs),
            stale: Duration::from_secs(config.key_stale_secs),
        };
        let memory = Memory::new(span, config.key_cache);
        Ok(Self::over(context.db()?, context.clock().clone(), context.wake("api-keys"), memory).await?)
    }

    async fn over(db: Db, clock: Clock, changed: Wake, memory: Memory) -> Result<Self, DbError> {
        let seen = AtomicI64::new(store::head(&db).await?);
        Ok(Self(Arc::new(Inner { db, clock, memory, used: Used::default(), changed, seen })))
    }

    /// Adds what it does besides answering.
    pub(crate) fn declare(&self, parts: Parts) -> Parts {
        let (following, noting) = (self.clone(), self.clone());
        parts
            .worker("api-keys", |stop| follow::follow(following, stop))
            .worker("api-keys-used", |stop| used::note(noting, stop))
    }

    /// Whose key this is, if it is good now.
    ///
    /// # Errors
    /// Why it does not count.
    pub(crate) async fn verify(&self, key: &[u8]) -> Result<Held, KeyError> {
        let Sent { id, hash } = Sent::parse(key).ok_or(KeyError::Unknown)?;
        let (known, now) = self.good(id, &hash).await?;
        if known.was_used(now) {
            self.used.push(known.id, now);
        }
        Ok(Held { known, hash })
    }

    /// Whether a key that was good still is.
    ///
    /// # Errors
    /// Why it does not count any more.
    pub(crate) async fn check(&self, held: &Held) -> Result<(), KeyError> {
        self.good(held.id, &held.hash).await.map(drop)
    }

    /// The key of this identifier, when the hash is that of a secret of it and it is good now.
    async fn good(&self, id: ApiKeyId, hash: &Hash) -> Result<(Arc<Known>, Ts), KeyError> {
        let known = self.known(id).await?.ok_or(KeyError::Unknown)?;
        let now = self.clock.now();
        // The secret first: who does not have it is told nothing about the key.
        known.proves(hash, now)?;
        Ok((known, now))
    }

    /// Forgets a key here at once, and has others do so.
    fn tell(&self, id: ApiKeyId) {
        self.memory.forget(id);
        self.changed.all();
    }
}

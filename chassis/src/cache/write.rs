//! Write-through: what was just written is what the next reader gets, without a load.
//!
//! What must hold: when two write at the same time, in whatever instances, and nobody can tell here whose change was
//! committed last, neither is kept. So a writer announces itself before it begins to change anything; whoever finds that
//! another one, or an invalidation, came in between forgets instead.

use super::entry::Entry;
use super::epochs::Stamps;
use super::key::Key;
use super::outgoing::Deed;
use super::registry::Forgetting;
use super::shared::{Record, Ticket};
use super::{Cache, Inner, Keepable};
use crate::clock::Ts;
use crate::db::Tx;
use crate::state::Invalidation;
use std::sync::Arc;

/// A change of one thing that is about to be made. When it is dropped without [`Write::put`], the copies of the key are
/// forgotten: nobody knows what became of it.
pub struct Write<T: Keepable> {
    inner: Arc<Inner<T>>,
    key: Key,
    qualified: String,
    stamps: Stamps,
    ticket: Option<Ticket>,
    began: Ts,
    forgetting: Forgetting,
}

impl<T: Keepable> Cache<T> {
    /// Announces a change of what has this key; to be called before it begins, outside of its transaction.
    pub async fn write(&self, key: impl Into<Key>) -> Write<T> {
        let (inner, key) = (Arc::clone(&self.0), key.into());
        let qualified = key.qualified(inner.name);
        let invalidation = Invalidation { keys: vec![qualified.clone()], tags: Vec::new() };
        inner.core.epochs.forget(&invalidation);
        let stamps = inner.core.epochs.stamps(&qualified, key.tags());
        let forgetting = Forgetting::new(Arc::clone(&inner.core), invalidation);
        let ticket = match inner.shared() {
            Some(shared) if inner.core.config.enabled => shared.take(&qualified, key.tags()).await,
            _ => None,
        };
        let began = inner.core.clock.now();
        Write { inner, key, qualified, stamps, ticket, began, forgetting }
    }
}

impl<T: Keepable> Write<T> {
    /// Gives readers what was written; to be called after the commit.
    pub fn put(mut self, value: T) {
        let inner = &self.inner;
        let Some(stamps) = inner.core.epochs.succeed(&self.stamps) else { return };
        if !inner.core.config.enabled {
            return;
        }
        self.forgetting.not();
        let fresh_for = inner.policy.fresh_for(true, 0.0);
        let record = Record::new(Some(Arc::new(value)), self.began, fresh_for);
        let times = (self.began, inner.core.clock.now());
        let entry = Arc::new(Entry::new(record.value.clone(), times, fresh_for, stamps));
        inner.keep(self.key.name(), &entry);
        let exchange = self.ticket.take().and_then(|ticket| ticket.exchange(&record));
        let deed = exchange.map_or(Deed::Remove, |(lease, copy)| {
            let ttl = inner.policy.longest();
            Deed::Replace { lease, copy, ttl }
        });
        inner.core.tell(vec![(std::mem::take(&mut self.qualified), deed)], Vec::new());
    }

    /// [`Write::put`] when the transaction is committed. When it is not, the copies are forgotten.
    pub fn put_after(self, tx: &mut Tx, value: T) {
        tx.after_commit(move || self.put(value));
    }
}

impl<T: Keepable> std::fmt::Debug for Write<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Write").field("key", &self.key).finish_non_exhaustive()
    }
}

//! What the service does, a file a verb. Handlers and consumers of events call it; it decides with [`crate::domain`] and keeps
//! with [`crate::store`].
//!
//! What a checkout asks for is one transaction: its reservation, the stock, the ledger and the event. On SQLite several of them
//! share one commit ([`chassis::db::Db::group`]), which is why an answer that says no is a [`Refusal`] within an `Ok`: it undoes
//! nobody else's work. The functions `.._in` work in a transaction that somebody else commits, such as the consumer of an
//! event.

mod adjust;
mod audit;
mod books;
mod commit;
mod expire;
mod products;
mod read;
mod release;
mod reserve;
mod restock;
mod secure;

pub(crate) use audit::invariants;
pub(crate) use read::scope_of;

use crate::config::InventoryConfig;
use crate::error::{InventoryError, InventoryResult, Refusal};
use chassis::clock::Clock;
use chassis::db::{Db, Tx};
use chassis::events::Outbox;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

/// The service, shared by its handlers, its consumers and its jobs.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the service is made of.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    /// How long stock is kept for a checkout.
    pub(crate) hold: Duration,
    /// The time between two looks for reservations whose time is over.
    pub(crate) sweep_every: Duration,
    /// Of so many or fewer everybody is told that few are left.
    pub(crate) few_left: u32,
    /// Level and quantity that a new product begins with.
    pub(crate) reorder: (u32, u32),
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).finish_non_exhaustive()
    }
}

/// Who wants a step of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A caller, who has the answer.
    ByCall,
    /// An event: how it went is told by another.
    ByEvent,
}

impl Asked {
    const fn is_answered(self) -> bool {
        matches!(self, Self::ByCall)
    }
}

/// What a transaction that is shared with others comes to: an answer, or a no that has written nothing but what belongs to it.
pub(crate) type Answer<T> = InventoryResult<Result<T, Refusal>>;

/// Work in a transaction.
type Working<'t, T> = Pin<Box<dyn Future<Output = Answer<T>> + Send + 't>>;

impl App {
    pub(crate) fn new(config: &InventoryConfig, db: Db, clock: Clock, outbox: Outbox) -> Self {
        Self(Arc::new(Inner {
            db,
            clock,
            outbox,
            hold: config.hold(),
            sweep_every: config.sweep_every(),
            few_left: config.few_left,
            reorder: (config.reorder_level, config.reorder_quantity),
        }))
    }

    /// Works in a transaction that may be shared with others, and answers after its commit. The work may be done more than
    /// once, and only the last time counts.
    async fn together<T: Send + 'static>(
        &self,
        work: impl for<'t> Fn(App, &'t mut Tx) -> Working<'t, T> + Send + Sync + 'static,
    ) -> InventoryResult<T> {
        let app = self.clone();
        let answer: Result<T, Refusal> =
            self.db.group::<_, InventoryError, _>(move |t| work(app.clone(), t)).await?;
        Ok(answer?)
    }
}

/// Counts a step of a reservation once it is committed.
fn count_after(t: &mut Tx, outcome: &'static str, number: u64) {
    t.after_commit(move || {
        metrics::counter!("inventory_reservations_total", "outcome" => outcome).increment(number);
    });
}

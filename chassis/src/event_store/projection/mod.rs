//! Projections: read models made of the events of all streams.
//!
//! A projection belongs to one instance at a time (a lease with a fence). Its effect and its position are committed
//! together, so each event takes effect once however often a process is killed.
//!
//! A read model is rebuilt beside the one in use: [`Projection::apply`] is told the generation that it writes, and rows
//! or tables of another generation are none of its business. Readers take the generation that is live in the same
//! statement as the rows:
//!
//! ```sql
//! SELECT ... FROM order_totals
//! WHERE generation = (SELECT generation FROM projection_generation WHERE name = 'order-totals' AND state = 'live')
//! ```

mod store;
mod worker;

pub use store::{GenerationState, ProjectionStatus};
pub(super) use store::{rebuild, statuses};
pub(super) use worker::Worker;

use super::Recorded;
use crate::db::Tx;
use std::fmt;
use std::future::Future;

/// Which build of a read model, from 1; a rebuild has the next number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub i64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A read model that follows the events.
pub trait Projection: Send + Sync + 'static {
    /// Its name: of its rows in the store, of its worker, and in metrics.
    const NAME: &'static str;

    /// The version of what it writes. Raise it when that changes: it is then built anew beside the old one, which
    /// stands still until the new one has caught up and takes its place.
    const VERSION: u32;

    /// Takes an event into the read model of a generation. Events come in the order of their positions; those of types
    /// that do not concern it are passed over with `Ok(())`.
    ///
    /// # Errors
    /// When it cannot: the projection then stops before this event, shows the error and tries again with growing
    /// pauses. What it did in `t` is undone.
    fn apply(
        &self,
        t: &mut Tx,
        generation: Generation,
        event: &Recorded,
    ) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// Removes everything of a generation. It is called before the first event of one, and when one is not used any
    /// more.
    ///
    /// # Errors
    /// When it cannot; it is tried again.
    fn reset(&self, t: &mut Tx, generation: Generation) -> impl Future<Output = anyhow::Result<()>> + Send;
}

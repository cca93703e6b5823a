//! What keeps a fault of one part from becoming the fault of all: breakers, gates, bulkheads, retry budgets, backoff and hedges.
//!
//! Nothing here knows what is called, over which protocol, or why it failed: who calls says so. Where each of them is used
//! is told in `docs/resilience.md`.
//!
//! What must hold:
//! - Every operation costs the same whatever was counted before, holds no lock over an `await`, and keeps a fixed amount of
//!   memory.
//! - Who goes away in the middle (a dropped future, a panic) gives back what it held.
//!
//! What it does not do: it shares nothing between processes. Each replica finds out for itself.

mod backoff;
mod breaker;
mod budget;
mod bulkhead;
mod gate;
mod hedge;
mod monotonic;
mod window;

pub use backoff::Backoff;
pub use breaker::{Breaker, BreakerConfig, BreakerState, Open, Permit};
pub use budget::{Budget, BudgetConfig};
pub use bulkhead::{Bulkhead, BulkheadConfig, Full, Slot};
pub use gate::Gate;
pub use hedge::hedged_within;
pub use monotonic::Monotonic;

//! Two services to test the chassis on: small, and real in all they do.
//!
//! The `ledger` takes entries over HTTP, each once, numbers them by account, and publishes `entry.posted`. The `counter`
//! counts what was posted, by account, and publishes `entry.counted`. The ledger notes what came back. So every entry
//! goes over two hops, and each end keeps a log without any constraint that would hide a doubled effect, beside a tally
//! that notices what came out of order.
//!
//! What they do not do: ask who is calling. They run in tests and measurements only, on the loopback address.

mod arrivals;
pub mod bench;
mod counter;
mod events;
mod ledger;
mod lists;
mod movements;

pub use counter::Counter;
pub use events::{EntryCounted, EntryPosted};
pub use ledger::{Deposit, Entry, Ledger, PostEntry, Trouble};

use chassis::config::{Mode, Problems, Validate, settings};
use chassis::service::Registration;

/// Every tiny service.
pub const ALL: &[Registration] = &[Registration::of::<Ledger>(), Registration::of::<Counter>()];

settings! {
    /// A tiny service.
    pub struct TinyConfig {
        /// Rows that a list returns at most.
        list_limit: u32 = 5_000;
    }
}

impl Validate for TinyConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("list_limit", self.list_limit, 1..=100_000);
    }
}

//! Orders from their placing to their end, in both flows and on both engines.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod afterwards;
mod bench;
mod checkout;
mod histories;
mod stand_ins;
mod town;

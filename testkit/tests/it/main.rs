//! The tiny services keep their own promises, so that what is tested on them is tested on something real.

#![cfg(feature = "harness")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails here and says where")]

mod entries;
mod hops;
#[cfg(feature = "kafka")]
mod kafka;
mod killed;
mod killed_jobs;
mod schema;
mod transfers;

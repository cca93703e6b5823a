//! Periodic work, of which one instance does each run.

mod look;
mod sweep;

pub(crate) use look::look;
pub(crate) use sweep::{expire, sweep};

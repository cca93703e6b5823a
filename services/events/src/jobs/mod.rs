//! What the service does besides answering.

mod sweep;

pub(crate) use sweep::sweep;

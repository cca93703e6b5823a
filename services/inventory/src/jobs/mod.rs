//! What is done from time to time.

mod expire;

pub(crate) use expire::expire;

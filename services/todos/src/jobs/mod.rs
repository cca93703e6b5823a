//! What the service does besides answering.

mod empty_bins;

pub(crate) use empty_bins::empty_bins;

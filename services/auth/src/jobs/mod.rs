//! What the service does besides answering. Every job may run in any number of processes at once.

mod answer_reset_requests;
mod reload_keys;
mod sweep;

pub(crate) use answer_reset_requests::answer_reset_requests;
pub(crate) use reload_keys::reload_keys;
pub(crate) use sweep::sweep;

//! What the service does besides answering: jobs, of which one process does each run, and what every process does for itself
//! (`reload_keys`).

mod answer_reset_request;
mod reload_keys;
mod sweep;

pub(crate) use answer_reset_request::AnswerResetRequest;
pub(crate) use reload_keys::reload_keys;
pub(crate) use sweep::sweep;

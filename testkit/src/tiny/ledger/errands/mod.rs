//! Errands: what a request puts off until later, as a queued job with one effect.

mod api;
mod perform;
mod store;

pub(super) use api::{get_errands, post_errand};
pub(super) use perform::{DEADLINE, Errand};

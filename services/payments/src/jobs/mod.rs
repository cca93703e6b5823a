//! What goes on without a request.

mod pursue;
mod sweep;

pub(crate) use pursue::pursue;
pub(crate) use sweep::sweep;

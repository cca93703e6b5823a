//! What goes on without a request.

mod pursue;
mod reconcile;
mod sweep;

pub(crate) use pursue::pursue;
pub(crate) use reconcile::reconcile;
pub(crate) use sweep::sweep;

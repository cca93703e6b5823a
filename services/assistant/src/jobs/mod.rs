//! What is done now and then.

mod end_abandoned;
mod sweep;

pub(crate) use end_abandoned::end_abandoned;
pub(crate) use sweep::sweep;

//! What the service does besides answering.

mod send_notification;
mod sweep;
mod tell_low_stock;
mod tell_moderators;

pub(crate) use send_notification::{SendNotification, send_notification};
pub(crate) use sweep::sweep;
pub(crate) use tell_low_stock::{TellLowStock, tell_low_stock};
pub(crate) use tell_moderators::{TellModerators, tell_moderators};

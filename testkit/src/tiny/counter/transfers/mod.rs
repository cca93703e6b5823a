//! The counter's end of a transfer: reserve, deposit, and the undo of each, known again by the transfer's id.

mod api;
mod store;

pub(super) use api::{Books, move_money};

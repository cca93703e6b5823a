//! Transfers: money goes from a purse of the ledger to one of the counter, in five steps of a saga, or stays where it was.

mod api;
mod flow;
mod store;
#[cfg(test)]
mod trial;

pub(super) use api::{Books, get_transfer, post_transfer};
pub(super) use flow::Transfer;

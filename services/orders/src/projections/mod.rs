//! Read models, made of the events of orders. They lag a moment behind and can be built anew.

mod agrees;
mod order_list;

pub(crate) use agrees::list_agrees;
pub(crate) use order_list::OrderListing;

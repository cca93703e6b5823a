//! The typed client of the orders.

use crate::client::Caller;

/// Speaks to the orders. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct OrdersClient {
    #[expect(dead_code, reason = "its endpoints come with the service")]
    caller: Caller,
}

impl OrdersClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }
}

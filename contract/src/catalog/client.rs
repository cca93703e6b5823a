//! The typed client of the catalog.

use super::{Quote, QuoteRequest};
use crate::client::{Caller, endpoints};

/// Speaks to the catalog. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct CatalogClient {
    caller: Caller,
}

impl CatalogClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// What products are and cost at this moment, from the catalog's database and never from a copy.
        quote(body: &QuoteRequest) -> Quote = POST "/internal/v1/catalog/quote", body;
    }
}

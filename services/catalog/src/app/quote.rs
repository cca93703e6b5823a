//! What other services ask: quotes to sell from, and cards to show.

use super::App;
use crate::error::CatalogResult;
use crate::store::product;
use contract::catalog::{Quote, QuoteRequest};

impl App {
    /// What products are and cost at this moment. From the database: what is sold is never a copy.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn quote(&self, request: &QuoteRequest) -> CatalogResult<Quote> {
        Ok(Quote { products: product::quote(&self.db, &request.products).await? })
    }
}

//! What an order comes to at this moment: from the catalog's database, never from a copy and never from a client.

use super::App;
use crate::domain::pricing;
use crate::error::{OrdersError, OrdersResult};
use contract::FieldError;
use contract::catalog::{QuoteRequest, Quoted};
use contract::ids::ProductId;
use contract::inventory::ReserveLine;
use contract::orders::{OrderLine, ShippingMethod, Totals};
use std::collections::HashMap;

/// Lines as they are sold, and what they come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Priced {
    pub(crate) lines: Vec<OrderLine>,
    pub(crate) totals: Totals,
}

impl App {
    /// Prices what is wanted.
    ///
    /// # Errors
    /// [`OrdersError::NotForSale`] with every line that is not sold; [`OrdersError::Peer`] while the catalog is away.
    pub(crate) async fn priced(
        &self,
        wanted: &[ReserveLine],
        method: ShippingMethod,
        country: &str,
    ) -> OrdersResult<Priced> {
        let products = wanted.iter().map(|line| line.product).collect();
        let quote = self.catalog.quote(&QuoteRequest { products }).await;
        let quote = quote.map_err(|error| OrdersError::Peer("catalog", error))?;
        let mut quoted: HashMap<ProductId, Quoted> =
            quote.products.into_iter().map(|quoted| (quoted.product, quoted)).collect();
        let (mut lines, mut refused) = (Vec::new(), Vec::new());
        for (place, line) in wanted.iter().enumerate() {
            match quoted.remove(&line.product) {
                Some(sold) if sold.active && sold.price.currency == self.rules.currency => {
                    lines.push(pricing::line(sold, line.quantity)?);
                }
                found => {
                    let name = found.map_or_else(|| line.product.to_string(), |found| found.name);
                    let message = format!("{name} is not sold at the moment");
                    refused.push(FieldError::new(format!("items[{place}]"), message));
                }
            }
        }
        if !refused.is_empty() {
            return Err(OrdersError::NotForSale(refused));
        }
        let totals = pricing::totals(&lines, method, country, &self.rules)?;
        Ok(Priced { lines, totals })
    }
}

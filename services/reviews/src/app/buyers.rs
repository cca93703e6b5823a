//! Who may review what: whoever was brought it.

use crate::store::purchase;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use contract::orders::OrderDelivered;

/// Remembers who has what.
#[derive(Debug)]
pub(crate) struct Buyers;

impl Handler<OrderDelivered> for Buyers {
    async fn handle(&self, t: &mut Tx, event: Received<OrderDelivered>) -> Handled {
        let OrderDelivered { order, user, mut products, .. } = event.data;
        // In one order, so that two deliveries to one person do not wait for each other.
        products.sort_unstable();
        for product in products {
            purchase::insert(t, user, product, order, event.time).await?;
        }
        Ok(())
    }
}

//! `product.created`: stock is counted from here on.

use crate::app::App;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use contract::catalog::ProductCreated;

/// Makes the row of a product, with nothing in it.
pub(super) struct BeginToCount(pub(super) App);

impl Handler<ProductCreated> for BeginToCount {
    async fn handle(&self, t: &mut Tx, event: Received<ProductCreated>) -> Handled {
        Ok(self.0.product_created(t, event.data).await?)
    }
}

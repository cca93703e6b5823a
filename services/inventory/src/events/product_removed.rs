//! `product.removed`: nothing is reserved any more; the numbers and the ledger stay.

use crate::app::App;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use contract::catalog::ProductRemoved;

/// Reserves no more of a product.
pub(super) struct StopSelling(pub(super) App);

impl Handler<ProductRemoved> for StopSelling {
    async fn handle(&self, t: &mut Tx, event: Received<ProductRemoved>) -> Handled {
        Ok(self.0.product_removed(t, event.data).await?)
    }
}

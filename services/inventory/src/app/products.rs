//! Products come and go with the catalog's events.

use super::App;
use crate::error::InventoryResult;
use crate::store::stock::{self, NewStock};
use chassis::db::Tx;
use contract::catalog::{ProductCreated, ProductRemoved};

impl App {
    /// Begins to count a product.
    pub(crate) async fn product_created(&self, t: &mut Tx, event: ProductCreated) -> InventoryResult<()> {
        let ProductCreated { product, sku, vendor, .. } = event;
        let (reorder_level, reorder_quantity) = self.reorder;
        let new = NewStock { product, vendor, sku, reorder_level, reorder_quantity };
        stock::insert(t, &new, self.clock.now()).await?;
        Ok(())
    }

    /// Sells no more of a product.
    pub(crate) async fn product_removed(&self, t: &mut Tx, event: ProductRemoved) -> InventoryResult<()> {
        Ok(stock::mark_removed(t, event.product, self.clock.now()).await?)
    }
}

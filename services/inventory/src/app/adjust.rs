//! Counting stock anew.

use super::App;
use super::books::{About, Entry, defect};
use crate::domain::stock::{Change, Misfit, is_plausible};
use crate::error::{InventoryError, InventoryResult};
use crate::store::stock::{self, Scope};
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::ids::ProductId;
use contract::inventory::{Adjust, Movement, SetReorder, StockItem};
use std::collections::BTreeMap;

impl App {
    /// Counts a product anew, uncommitted.
    ///
    /// # Errors
    /// [`InventoryError::NoProduct`] for a product that is not known or another vendor's, [`InventoryError::Quantity`] for a
    /// count that cannot be so, [`InventoryError::Reserved`] when less would be left than is reserved.
    pub async fn adjust(
        &self,
        who: &Principal,
        scope: Scope,
        product: ProductId,
        asked: Adjust,
    ) -> InventoryResult<(Tx, Movement)> {
        if !is_plausible(asked.kind, asked.quantity) {
            return Err(InventoryError::Quantity("does not go with the kind: see its description"));
        }
        let now = self.clock.now();
        let mut t = self.db.begin().await?;
        let held = stock::hold_in_scope(&mut t, product, scope).await?.ok_or(InventoryError::NoProduct)?;
        let change = Change::Adjust(asked.kind, asked.quantity);
        match held.clone().apply(change) {
            Ok(_) => {}
            Err(Misfit::TooLittle { available }) => return Err(InventoryError::Reserved { available }),
            Err(Misfit::TooMuch) => return Err(InventoryError::Quantity("is more than can be counted")),
            Err(misfit @ Misfit::NotReserved) => return Err(defect(product, misfit)),
        }
        let about = About { by: Some(who.user()), reason: Some(asked.reason), ..About::default() };
        let entry = Entry { product, change, about };
        let movements = self.post_held(&mut t, BTreeMap::from([(product, held)]), vec![entry], now).await?;
        let movement = movements.into_iter().next();
        Ok((t, movement.ok_or_else(|| anyhow::anyhow!("a change without a line in the ledger"))?))
    }

    /// Sets when and how much of a product is bought in, uncommitted. A level above what there is counts as told: its vendor has
    /// just looked.
    ///
    /// # Errors
    /// [`InventoryError::NoProduct`] for a product that is not known or another vendor's.
    pub async fn set_reorder(
        &self,
        scope: Scope,
        product: ProductId,
        asked: SetReorder,
    ) -> InventoryResult<(Tx, StockItem)> {
        let now = self.clock.now();
        let mut t = self.db.begin().await?;
        let held = stock::hold_in_scope(&mut t, product, scope).await?.ok_or(InventoryError::NoProduct)?;
        let low = held.available() < asked.reorder_level;
        let level = (asked.reorder_level, asked.reorder_quantity);
        stock::set_reorder(&mut t, product, level, low, now).await?;
        let item = crate::store::stock_list::find_in(&mut t, product).await?;
        Ok((t, item.ok_or(InventoryError::NoProduct)?))
    }
}

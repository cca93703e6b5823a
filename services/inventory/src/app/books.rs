//! The one way in which stock changes: numbers, ledger and the event of a low level, all in the caller's transaction.

use super::App;
use crate::domain::stock::{Change, Misfit, Stock};
use crate::error::{InventoryError, InventoryResult};
use crate::store::{ledger, stock};
use chassis::clock::Ts;
use chassis::db::Tx;
use contract::ids::{CheckoutId, MovementId, ProductId, RefundId, UserId};
use contract::inventory::{InventoryLowStock, Movement, ReserveLine};
use std::collections::BTreeMap;

/// A change of the stock of a product, and what the ledger says about it.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) product: ProductId,
    pub(super) change: Change,
    pub(super) about: About,
}

/// To what a change belongs.
#[derive(Debug, Clone, Default)]
pub(super) struct About {
    pub(super) checkout: Option<CheckoutId>,
    pub(super) refund: Option<RefundId>,
    pub(super) by: Option<UserId>,
    pub(super) reason: Option<String>,
}

/// The same change for each line of a checkout.
pub(super) fn entries(
    checkout: CheckoutId,
    lines: &[ReserveLine],
    change: impl Fn(u32) -> Change,
) -> Vec<Entry> {
    let about = About { checkout: Some(checkout), ..About::default() };
    lines
        .iter()
        .map(|line| Entry { product: line.product, change: change(line.quantity), about: about.clone() })
        .collect()
}

/// A change that the books do not allow where it had to be possible.
pub(super) fn defect(product: ProductId, misfit: Misfit) -> InventoryError {
    InventoryError::Defect(anyhow::anyhow!("the stock of {product}: {misfit}"))
}

impl App {
    /// Holds the products of these entries and makes the changes.
    pub(super) async fn post(
        &self,
        t: &mut Tx,
        entries: Vec<Entry>,
        now: Ts,
    ) -> InventoryResult<Vec<Movement>> {
        let mut products: Vec<ProductId> = entries.iter().map(|entry| entry.product).collect();
        products.sort_unstable();
        products.dedup();
        let held = stock::hold(t, &products).await?;
        self.post_held(t, held, entries, now).await
    }

    /// Makes changes to products that this transaction holds. All of them are possible, else it is a defect and everything is
    /// undone.
    pub(super) async fn post_held(
        &self,
        t: &mut Tx,
        mut held: BTreeMap<ProductId, Stock>,
        entries: Vec<Entry>,
        now: Ts,
    ) -> InventoryResult<Vec<Movement>> {
        let before: BTreeMap<ProductId, i64> = held.iter().map(|(id, stock)| (*id, stock.sequence)).collect();
        let mut movements = Vec::with_capacity(entries.len());
        for Entry { product, change, about } in entries {
            let unknown = || InventoryError::Defect(anyhow::anyhow!("no stock is counted of {product}"));
            let stock = held.get_mut(&product).ok_or_else(unknown)?;
            let changed = stock.apply(change).map_err(|misfit| defect(product, misfit))?;
            let count = |number| u32::try_from(number).unwrap_or_default();
            movements.push(Movement {
                id: MovementId::new(),
                product,
                sequence: stock.sequence,
                kind: change.kind(),
                on_hand_change: changed.on_hand,
                reserved_change: changed.reserved,
                on_hand: count(stock.on_hand),
                reserved: count(stock.reserved),
                reason: about.reason,
                by: about.by,
                checkout: about.checkout,
                refund: about.refund,
                at: now.to_datetime(),
            });
        }
        let low: Vec<ProductId> =
            held.values_mut().filter_map(|stock| stock.turns_low().then_some(stock.product)).collect();
        let numbers: Vec<(&Stock, i64)> = held
            .values()
            .map(|stock| (stock, before.get(&stock.product).copied().unwrap_or_default()))
            .collect();
        if !stock::replace(t, &numbers, now).await? {
            return Err(InventoryError::Raced);
        }
        ledger::insert(t, &movements, now).await?;
        for product in low {
            self.tell_low(t, &held, product).await?;
        }
        Ok(movements)
    }

    async fn tell_low(
        &self,
        t: &mut Tx,
        held: &BTreeMap<ProductId, Stock>,
        product: ProductId,
    ) -> InventoryResult<()> {
        let Some(stock) = held.get(&product) else { return Ok(()) };
        let reorder_level = u32::try_from(stock.reorder_level).unwrap_or(u32::MAX);
        let event = InventoryLowStock { product, available: stock.available(), reorder_level };
        self.outbox.publish(t, &event).await?;
        t.after_commit(|| metrics::counter!("inventory_low_stock_total").increment(1));
        Ok(())
    }
}

//! Low stock: who is told, is known to the catalog only, so a job asks it before anybody is told.

use super::App;
use super::send::Place;
use crate::domain::facts;
use crate::domain::message::{Message, Recipient};
use crate::jobs::TellLowStock;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use chassis::jobs::{JobResult, When};
use contract::inventory::InventoryLowStock;
use contract::notifications::NotificationKind;

/// Puts off telling of low stock.
#[derive(Debug)]
pub(crate) struct LowStock(pub(crate) App);

impl Handler<InventoryLowStock> for LowStock {
    async fn handle(&self, t: &mut Tx, event: Received<InventoryLowStock>) -> Handled {
        let InventoryLowStock { product, available, reorder_level } = event.data;
        // Each time that the stock falls below its level is another event, and another message.
        let task = TellLowStock { event: event.id, product, available, reorder_level };
        self.0.jobs.enqueue(t, &task, When::Now).await?;
        Ok(())
    }
}

impl App {
    /// Tells the vendor and the addresses of the settings, who may be the same and are told once then. A product that is gone
    /// has no vendor any more.
    pub(crate) async fn tell_low_stock(&self, task: TellLowStock) -> JobResult {
        let TellLowStock { event, product, available, reorder_level } = task;
        let card = self.catalog.cards(&[product]).await?.products.into_iter().find(|card| card.id == product);
        let (name, vendor) = card.map_or((product.to_string(), None), |card| (card.name, Some(card.vendor)));
        // A vendor who is not told has not been told at their address either.
        let told = match vendor {
            Some(vendor) => match self.place_of(vendor, NotificationKind::LowStock).await? {
                Place::Address(address, _) => Some(address),
                Place::Nowhere(_) => None,
            },
            None => None,
        };
        let is_told =
            |address: &&String| told.as_ref().is_some_and(|told| told.eq_ignore_ascii_case(address));
        let addresses = self.low_stock_to.iter().filter(|address| !is_told(address));
        let addresses = addresses.cloned().map(Recipient::Address);
        let recipients = vendor.map(Recipient::User).into_iter().chain(addresses);
        let mut tx = self.db.begin().await?;
        for to in recipients {
            let facts = facts::low_stock(name.clone(), available, reorder_level);
            let (kind, subject) = (NotificationKind::LowStock, event.to_string());
            self.tell(&mut tx, &Message { kind, subject, to, order: None, facts }).await?;
        }
        Ok(tx.commit().await?)
    }
}

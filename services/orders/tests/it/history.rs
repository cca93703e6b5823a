//! Orders that have a history, written straight into the event store: what is listed and followed depends on nothing else.

use crate::shop::Shop;
use chassis::event_store::{EventStore, Expected, StreamId};
use contract::ids::{CheckoutId, OrderId, ProductId, UserId};
use contract::money::{Currency, Money};
use contract::orders::{CheckoutFlow, OrderLine, ShippingMethod, Totals};
use orders::domain::events::{
    CheckoutFailed, CheckoutStarted, Completed, Confirmed, OrderEvent, Placed, ProcessingBegun, Shipped,
};

/// An order in the making.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    pub(crate) id: OrderId,
    pub(crate) number: String,
    pub(crate) checkout: CheckoutId,
}

impl Shop {
    /// The store that the service has too.
    pub(crate) fn events(&self) -> EventStore {
        let wake = self.service.assembled().shared().wake("a-test");
        EventStore::new(self.db().clone(), wake, self.service.clock().clone())
    }

    /// What happens to an order from here on.
    pub(crate) async fn happen(&self, order: OrderId, events: &[OrderEvent]) {
        let (db, store) = (self.db(), self.events());
        let mut tx = db.begin().await.unwrap();
        let stream = StreamId::new("order", order.uuid());
        store.append(&mut tx, &stream, Expected::Any, events).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Somebody places an order of two of a product, and its checkout begins.
    pub(crate) async fn place(&self, user: UserId, product: ProductId) -> Made {
        let (id, checkout) = (OrderId::new(), CheckoutId::new());
        let number = id.to_string().to_uppercase();
        let eur = |amount| Money::new(amount, Currency::EUR);
        let line = OrderLine {
            product,
            sku: "SKU-1".to_owned(),
            name: "Kettle".to_owned(),
            unit_price: eur(1_000),
            price_version: 1,
            quantity: 2,
            subtotal: eur(2_000),
            category: None,
            image: None,
        };
        let totals = Totals { subtotal: eur(2_000), shipping: eur(499), tax: eur(0), total: eur(2_499) };
        let placed = Placed {
            order: id,
            user,
            number: number.clone(),
            lines: vec![line],
            totals,
            shipping: ShippingMethod::Standard,
        };
        let started = CheckoutStarted { order: id, checkout, flow: CheckoutFlow::Orchestration };
        self.happen(id, &[OrderEvent::Placed(placed), OrderEvent::CheckoutStarted(started)]).await;
        Made { id, number, checkout }
    }
}

impl Made {
    pub(crate) fn confirmed(&self) -> OrderEvent {
        OrderEvent::Confirmed(Confirmed { order: self.id, checkout: self.checkout })
    }

    pub(crate) fn completed(&self) -> OrderEvent {
        OrderEvent::Completed(Completed { order: self.id, checkout: self.checkout })
    }

    pub(crate) fn failed(&self) -> OrderEvent {
        let reason = "The card was declined.".to_owned();
        OrderEvent::CheckoutFailed(CheckoutFailed { order: self.id, checkout: self.checkout, reason })
    }

    pub(crate) fn packed(&self) -> OrderEvent {
        OrderEvent::ProcessingBegun(ProcessingBegun { order: self.id, by: UserId::new() })
    }

    pub(crate) fn shipped(&self) -> OrderEvent {
        let (carrier, tracking_number) = ("Post".to_owned(), "1Z".to_owned());
        OrderEvent::Shipped(Shipped { order: self.id, by: UserId::new(), carrier, tracking_number })
    }
}

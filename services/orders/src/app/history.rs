//! What happened to an order, for who may see it.

use super::App;
use crate::domain::events::OrderEvent;
use crate::domain::order::Order;
use crate::error::{OrdersError, OrdersResult};
use chassis::event_store::{Aggregate as _, StoredEvent as _, StreamId};
use chassis::identity::Principal;
use contract::ids::{OrderId, UserId};
use contract::orders::{OrderActor, OrderHappening};

/// Far more than happens to any order.
const MOST: u32 = 1_000;

impl App {
    /// What happened to an order, the first first.
    ///
    /// # Errors
    /// [`OrdersError::NotFound`] also when it is another's.
    pub(crate) async fn history(&self, who: &Principal, id: OrderId) -> OrdersResult<Vec<OrderHappening>> {
        let row = self.row(who, id).await?;
        let stream = StreamId::new(Order::NAME, id.uuid());
        let (mut order, mut happenings) = (Order::default(), Vec::new());
        for recorded in self.store.read(&stream, 0, MOST).await? {
            let event = OrderEvent::of(&recorded).map_err(anyhow::Error::from)?;
            let event = event.ok_or_else(|| anyhow::anyhow!("{} is no event of an order", recorded.kind))?;
            let (by, note) = by_and_note(&event, row.user);
            let what = event.kind().trim_start_matches("order.").to_owned();
            order.apply(event);
            happenings.push(OrderHappening {
                version: recorded.version,
                what,
                by,
                status: order.status.ok_or(OrdersError::NotFound("order"))?,
                note,
                at: recorded.at.to_datetime(),
            });
        }
        Ok(happenings)
    }
}

/// By whom, and what else is to be said. Who exactly of the shop it was is the shop's own matter.
fn by_and_note(event: &OrderEvent, buyer: UserId) -> (OrderActor, Option<String>) {
    let person = |by: UserId| if by == buyer { OrderActor::Buyer } else { OrderActor::Staff };
    match event {
        OrderEvent::Placed(placed) => (OrderActor::Buyer, Some(placed.totals.total.to_string())),
        OrderEvent::CheckoutStarted(_) => (OrderActor::Buyer, None),
        OrderEvent::Confirmed(_) | OrderEvent::Completed(_) | OrderEvent::CancellationSettled(_) => {
            (OrderActor::Shop, None)
        }
        OrderEvent::CheckoutFailed(failed) => (OrderActor::Shop, Some(failed.reason.clone())),
        OrderEvent::CancelAsked(asked) => (person(asked.by), Some(asked.reason.clone())),
        OrderEvent::Cancelled(cancelled) => {
            (cancelled.by.map_or(OrderActor::Shop, person), Some(cancelled.reason.clone()))
        }
        OrderEvent::ProcessingBegun(begun) => (person(begun.by), None),
        OrderEvent::Shipped(shipped) => {
            (person(shipped.by), Some(format!("{} {}", shipped.carrier, shipped.tracking_number)))
        }
        OrderEvent::Delivered(delivered) => (person(delivered.by), None),
        OrderEvent::RefundAsked(asked) => {
            (person(asked.by), Some(format!("{}: {}", asked.amount, asked.reason)))
        }
        OrderEvent::Refunded(_) => (OrderActor::Shop, None),
        OrderEvent::RefundRefused(refused) => (OrderActor::Shop, Some(refused.reason.clone())),
    }
}

//! Placing an order: priced by the shop, kept with its events, and on its way through the checkout, all with one commit.

use super::cart::SeenCart;
use super::priced::Priced;
use super::{App, CHECKOUT_WITHIN};
use crate::config::Leader;
use crate::domain::events::{CheckoutStarted, OrderEvent, Placed};
use crate::domain::number::OrderNumber;
use crate::domain::order::{Order, sum_up};
use crate::error::{OrdersError, OrdersResult};
use crate::flows::checkout::{Checkout, CheckoutParams};
use crate::store::checkout::{self, New};
use crate::store::order::{self, OrderRow};
use chassis::db::Tx;
use chassis::event_store::Loaded;
use chassis::http::created;
use chassis::idempotency::Once;
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::inventory::ReserveLine;
use contract::money::Money;
use contract::orders::{self, CheckoutFlow, OrderCreated, PlaceOrder, ShippingMethod};
use contract::payments::MethodToken;
use std::sync::Arc;

/// So often is another number tried when the first one is in use.
const NUMBERS: usize = 5;

/// An order that is about to be placed.
pub(super) struct Draft {
    row: OrderRow,
    priced: Priced,
    shipping: ShippingMethod,
    method: MethodToken,
    cart: Option<SeenCart>,
}

/// An attempt to turn an order into a sale that is about to begin.
pub(super) struct Attempt<'a> {
    pub(super) order: OrderId,
    pub(super) user: UserId,
    pub(super) number: &'a str,
    pub(super) lines: Vec<ReserveLine>,
    pub(super) total: Money,
    pub(super) method: MethodToken,
}

impl App {
    /// Places an order. Answers when its checkout has ended or `wait` is over, whichever comes first.
    ///
    /// # Errors
    /// [`OrdersError::NotForSale`], [`OrdersError::PriceChanged`], [`OrdersError::CartEmpty`]; [`OrdersError::Peer`] while
    /// the catalog is away, because nothing is sold from a copy.
    pub(crate) async fn place(
        &self,
        user: UserId,
        request: PlaceOrder,
        once: Once,
        wait: bool,
    ) -> OrdersResult<orders::Order> {
        let draft = Arc::new(self.draft(user, request).await?);
        let waiter = self.waiting.of(draft.row.id);
        let (app, mine) = (self.clone(), Arc::clone(&draft));
        let placing = self.db.group(move |t| {
            let (app, draft, once) = (app.clone(), Arc::clone(&mine), once.clone());
            Box::pin(async move { app.place_in(t, &draft, &once).await })
        });
        let (row, placed) = placing.await?;
        let seen = if wait { self.rest(&waiter, placed).await? } else { placed };
        self.see(&row, &seen).await
    }

    async fn draft(&self, user: UserId, request: PlaceOrder) -> OrdersResult<Draft> {
        let (wanted, cart) = match request.items {
            Some(items) => {
                let lines = items.iter().map(|i| ReserveLine { product: i.product_id, quantity: i.quantity });
                (sum_up(lines), None)
            }
            None => {
                let seen = self.see_cart(user).await?;
                (seen.lines.clone(), Some(seen))
            }
        };
        let shipping = request.shipping_method;
        let priced = self.priced(&wanted, shipping, &request.shipping_address.country).await?;
        if request.expected_total.is_some_and(|expected| expected != priced.totals.total) {
            return Err(OrdersError::PriceChanged(priced.totals.total));
        }
        let row = OrderRow {
            id: OrderId::new(),
            user,
            number: String::new(),
            shipping_address: request.shipping_address,
            billing_address: request.billing_address,
            notes: request.notes,
            placed_at: self.clock.now(),
        };
        Ok(Draft { row, priced, shipping, method: request.payment_method, cart })
    }

    async fn place_in(
        &self,
        t: &mut Tx,
        draft: &Draft,
        once: &Once,
    ) -> OrdersResult<(OrderRow, Loaded<Order>)> {
        let Draft { row, priced, shipping, method, cart } = draft;
        let (id, user) = (row.id, row.user);
        if let Some(seen) = cart {
            self.take_for_checkout(t, user, seen).await?;
        }
        let row = self.numbered(t, row.clone()).await?;
        let (number, lines, totals) = (row.number.clone(), priced.lines.clone(), priced.totals);
        let placed = Placed { order: id, user, number, lines, totals, shipping: *shipping };
        let new = Loaded { id: id.uuid(), version: 0, state: Order::default() };
        let lines =
            sum_up(priced.lines.iter().map(|l| ReserveLine { product: l.product, quantity: l.quantity }));
        let (total, method) = (totals.total, method.clone());
        let attempt = Attempt { order: id, user, number: &row.number, lines, total, method };
        let order = self.begin(t, new, vec![OrderEvent::Placed(placed)], attempt).await?;
        let answer = self.seen(&row, &order, false)?;
        once.keep(t, created(format!("/api/v1/orders/{id}"), answer)).await?;
        Ok((row, order))
    }

    /// Keeps the row of an order under a number that nobody has.
    async fn numbered(&self, t: &mut Tx, row: OrderRow) -> OrdersResult<OrderRow> {
        for _ in 0..NUMBERS {
            let row = OrderRow { number: OrderNumber::random().as_str().to_owned(), ..row.clone() };
            if order::insert(t, &row).await? {
                return Ok(row);
            }
        }
        Err(anyhow::anyhow!("{NUMBERS} numbers by chance were all in use").into())
    }

    /// Begins an attempt behind these events: its row, what others are told, and the saga that leads it.
    pub(super) async fn begin(
        &self,
        t: &mut Tx,
        order: Loaded<Order>,
        mut events: Vec<OrderEvent>,
        attempt: Attempt<'_>,
    ) -> OrdersResult<Loaded<Order>> {
        let Attempt { order: id, user, number, lines, total, method } = attempt;
        let (checkout, now) = (CheckoutId::new(), self.clock.now());
        let flow = match self.config.saga {
            Leader::Orchestration => CheckoutFlow::Orchestration,
            Leader::Choreography => CheckoutFlow::Choreography,
        };
        events.push(OrderEvent::CheckoutStarted(CheckoutStarted { order: id, checkout, flow }));
        let order = self.record(t, order, events).await?;
        let new = New { id: checkout, order: id, flow, amount: total, deadline: now + CHECKOUT_WITHIN };
        checkout::insert(t, &new, now).await?;
        if flow == CheckoutFlow::Orchestration {
            let params =
                CheckoutParams { order: id, user, lines: lines.clone(), total, method: method.clone() };
            self.lead::<Checkout>(t, checkout.uuid(), &params).await?;
        }
        let (number, checkout, method) = (Some(number.to_owned()), Some(checkout), Some(method));
        self.outbox
            .publish(t, &OrderCreated { order: id, user, number, checkout, flow, lines, total, method })
            .await?;
        Ok(order)
    }
}

//! Payments that follow the orders' events, and those that are passed over.

use crate::fake_orders::{Publish, heard, heard_data};
use crate::support::{Bench, Card, Kind, eur, impatient, on_every_provider};
use chassis::db::q;
use contract::event::Event;
use contract::ids::{CheckoutId, OrderId, RefundId, UserId};
use contract::orders::{CheckoutFlow, OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed};
use contract::payments::PaymentState;
use serde::Serialize;
use testkit::{Engine, eventually};

struct Order {
    order: OrderId,
    user: UserId,
    checkout: CheckoutId,
    refund: RefundId,
}

impl Order {
    fn new() -> Self {
        Self {
            order: OrderId::new(),
            user: UserId::new(),
            checkout: CheckoutId::new(),
            refund: RefundId::new(),
        }
    }

    fn created(&self, bench: &Bench, card: Card) -> OrderCreated {
        OrderCreated {
            order: self.order,
            user: self.user,
            number: Some("B7K3-9QMX-2".to_owned()),
            checkout: Some(self.checkout),
            flow: CheckoutFlow::Choreography,
            lines: vec![],
            total: eur(4_999),
            method: Some(bench.card(card)),
        }
    }

    fn confirmed(&self) -> OrderConfirmed {
        OrderConfirmed {
            order: self.order,
            user: self.user,
            number: "B7K3-9QMX-2".to_owned(),
            checkout: self.checkout,
            flow: CheckoutFlow::Choreography,
            lines: vec![],
            total: eur(4_999),
        }
    }

    fn failed(&self) -> OrderFailed {
        OrderFailed {
            order: self.order,
            user: self.user,
            number: "B7K3-9QMX-2".to_owned(),
            checkout: self.checkout,
            flow: CheckoutFlow::Choreography,
            reason: "sold out".to_owned(),
        }
    }

    fn cancelled(&self) -> OrderCancelled {
        OrderCancelled {
            order: self.order,
            user: self.user,
            number: "B7K3-9QMX-2".to_owned(),
            checkout: Some(self.checkout),
            refund: self.refund,
            flow: CheckoutFlow::Choreography,
            lines: vec![],
            total: eur(4_999),
            reason: "changed my mind".to_owned(),
        }
    }
}

/// Gives what the event and all that follows from it have in common.
async fn publish<E: Event + Serialize>(bench: &Bench, event: &E) -> String {
    let body = Publish { kind: E::TYPE.to_owned(), data: serde_json::to_value(event).unwrap() };
    bench
        .service
        .client()
        .post("/api/v1/orders/publish", body)
        .await
        .expect(204)
        .header("x-correlation-id")
        .unwrap()
        .to_owned()
}

/// Waits until payments have handled so many events of the orders.
async fn handled(bench: &Bench, count: i64) {
    let db = bench.service.db("payments");
    eventually(|| async {
        let sql = "SELECT COUNT(*) FROM inbox WHERE status = 'done'";
        let done: i64 = q!(db.read, scalar, sql).unwrap();
        if done >= count { Ok(()) } else { Err(done) }
    })
    .await;
}

async fn an_order_is_paid_as_its_events_say(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let order = Order::new();
    let action = publish(&bench, &order.created(&bench, Card::Good)).await;
    handled(&bench, 1).await;
    bench.comes_to(order.checkout, PaymentState::Authorized).await;
    publish(&bench, &order.confirmed()).await;
    bench.comes_to(order.checkout, PaymentState::Captured).await;
    publish(&bench, &order.cancelled()).await;
    let back = bench.comes_to(order.checkout, PaymentState::Refunded).await;
    assert_eq!(back.refunded, eur(4_999));
    assert_eq!(bench.charges(order.checkout).await, [("captured".to_owned(), 4_999, 4_999)]);
    eventually(|| async {
        if heard(order.checkout).len() == 3 { Ok(()) } else { Err(heard(order.checkout)) }
    })
    .await;
    for kind in ["payment.authorized", "payment.captured", "payment.refunded"] {
        let data = &heard_data(order.checkout, kind)[0];
        assert_eq!(data["correlation"], action.as_str(), "{kind}");
        assert_ne!(data["answered"], true, "{kind}: nobody has called");
    }
    bench.audit().await;
}

async fn a_failed_order_keeps_no_money_whichever_event_is_handled_first(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let (late, early) = (Order::new(), Order::new());
    publish(&bench, &late.created(&bench, Card::Good)).await;
    handled(&bench, 1).await;
    bench.comes_to(late.checkout, PaymentState::Authorized).await;
    publish(&bench, &late.failed()).await;
    bench.comes_to(late.checkout, PaymentState::Voided).await;
    publish(&bench, &early.failed()).await;
    handled(&bench, 3).await;
    publish(&bench, &early.created(&bench, Card::Good)).await;
    handled(&bench, 4).await;
    assert_eq!(bench.peer().payment(early.checkout).await.unwrap().state, PaymentState::Voided);
    assert!(bench.charges(early.checkout).await.is_empty());
    bench.audit().await;
}

async fn an_order_that_is_called_off_while_it_is_taken_gets_its_money_back(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start_with(impatient(), engine, kind).await else { return };
    let order = Order::new();
    publish(&bench, &order.created(&bench, Card::SilentCapture)).await;
    handled(&bench, 1).await;
    bench.comes_to(order.checkout, PaymentState::Authorized).await;
    publish(&bench, &order.confirmed()).await;
    handled(&bench, 2).await;
    publish(&bench, &order.cancelled()).await;
    handled(&bench, 3).await;
    bench.comes_to(order.checkout, PaymentState::Refunded).await;
    assert_eq!(bench.charges(order.checkout).await, [("captured".to_owned(), 4_999, 4_999)]);
    bench.audit().await;
}

async fn what_the_orders_lead_themselves_is_passed_over(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let order = Order::new();
    let led = OrderCreated { flow: CheckoutFlow::Orchestration, ..order.created(&bench, Card::Good) };
    // As what was version 1 is read.
    let old = OrderCreated { checkout: None, method: None, ..led.clone() };
    publish(&bench, &led).await;
    publish(&bench, &old).await;
    publish(&bench, &OrderFailed { flow: CheckoutFlow::Orchestration, ..order.failed() }).await;
    publish(&bench, &OrderConfirmed { flow: CheckoutFlow::Orchestration, ..order.confirmed() }).await;
    publish(&bench, &OrderCancelled { flow: CheckoutFlow::Orchestration, ..order.cancelled() }).await;
    // What comes behind them shows that each of them was come to.
    let [taken, failed] = [Order::new(), Order::new()];
    publish(&bench, &taken.created(&bench, Card::Good)).await;
    publish(&bench, &failed.failed()).await;
    handled(&bench, 2).await;
    bench.comes_to(taken.checkout, PaymentState::Authorized).await;
    publish(&bench, &taken.confirmed()).await;
    bench.comes_to(taken.checkout, PaymentState::Captured).await;
    publish(&bench, &taken.cancelled()).await;
    bench.comes_to(taken.checkout, PaymentState::Refunded).await;
    handled(&bench, 4).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM inbox").await, 4);
    assert_eq!(bench.charges(order.checkout).await, []);
}

on_every_provider!(
    an_order_is_paid_as_its_events_say,
    a_failed_order_keeps_no_money_whichever_event_is_handled_first,
    an_order_that_is_called_off_while_it_is_taken_gets_its_money_back,
    what_the_orders_lead_themselves_is_passed_over,
);

//! What the inventory does when others tell that something happened, and what it tells itself.

use crate::others::Old;
use crate::support::{Bench, Item, lines};
use contract::catalog::{ProductCreated, ProductRemoved};
use contract::ids::{CheckoutId, OrderId, ProductId, RefundId, UserId};
use contract::inventory::{AdjustmentKind, ReservationState};
use contract::money::{Currency, Money};
use contract::orders::{
    CheckoutFlow, OrderCancelled, OrderConfirmed, OrderCreated, OrderCreatedV1, OrderFailed,
};
use testkit::{Engine, on_both_engines};

/// An order of a choreography, unless it says otherwise.
struct Placed {
    order: OrderId,
    checkout: CheckoutId,
    user: UserId,
    flow: CheckoutFlow,
}

impl Placed {
    fn new() -> Self {
        let (order, checkout, user) = (OrderId::new(), CheckoutId::new(), UserId::new());
        Self { order, checkout, user, flow: CheckoutFlow::Choreography }
    }

    fn created(&self, wanted: &[(Item, u32)]) -> OrderCreated {
        OrderCreated {
            order: self.order,
            user: self.user,
            number: None,
            checkout: Some(self.checkout),
            flow: self.flow,
            lines: lines(wanted),
            total: Money::new(100, Currency::EUR),
            method: None,
        }
    }

    fn confirmed(&self) -> OrderConfirmed {
        OrderConfirmed {
            order: self.order,
            user: self.user,
            number: "B".to_owned(),
            checkout: self.checkout,
            flow: self.flow,
            lines: Vec::new(),
            total: Money::new(100, Currency::EUR),
        }
    }

    fn failed(&self) -> OrderFailed {
        OrderFailed {
            order: self.order,
            user: self.user,
            number: "B".to_owned(),
            checkout: self.checkout,
            flow: self.flow,
            reason: "The card was declined".to_owned(),
        }
    }

    fn cancelled(&self, wanted: &[(Item, u32)]) -> OrderCancelled {
        OrderCancelled {
            order: self.order,
            user: self.user,
            number: "B".to_owned(),
            checkout: Some(self.checkout),
            refund: RefundId::new(),
            flow: self.flow,
            lines: lines(wanted),
            total: Money::new(100, Currency::EUR),
            reason: "Changed their mind".to_owned(),
        }
    }
}

async fn state(bench: &Bench, placed: &Placed) -> Option<ReservationState> {
    let all = bench.inventory.reservations(None, 500).await.unwrap();
    all.iter().find(|one| one.checkout == placed.checkout).map(|one| one.state)
}

async fn a_product_is_counted_from_its_first_day_to_its_last(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = Item { id: ProductId::new(), vendor: UserId::new() };
    let created = ProductCreated {
        product: item.id,
        sku: "MUG-1".to_owned(),
        name: "Mug".to_owned(),
        vendor: item.vendor,
        price: Money::new(900, Currency::EUR),
    };
    bench.tell(&created).await;
    bench.handled(1).await;
    assert!(!bench.inventory.stock(item.id).await.unwrap().in_stock);
    bench.count(item, AdjustmentKind::Purchase, 5).await;
    let checkout = CheckoutId::new();
    bench.reserve(checkout, OrderId::new(), &[(item, 1)]).await.unwrap();
    // Told again, as by an import that is repeated: the numbers stay.
    bench.tell(&created).await;
    bench.handled(2).await;
    assert_eq!(bench.numbers(item).await, (5, 1));
    bench.tell(&ProductRemoved { product: item.id }).await;
    bench.handled(3).await;
    assert!(bench.inventory.stock(item.id).await.is_err());
    assert!(bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 1)]).await.is_err());
    // What was reserved before is delivered.
    bench.inventory.commit(checkout).await.unwrap();
    assert_eq!(bench.numbers(item).await, (4, 0));
    bench.books_hold().await;
}

async fn in_a_choreography_an_order_is_reserved_sold_and_taken_back(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let placed = Placed::new();
    bench.tell(&placed.created(&[(item, 2)])).await;
    bench.handled(1).await;
    assert_eq!(bench.numbers(item).await, (5, 2));
    bench.tell(&placed.confirmed()).await;
    bench.handled(2).await;
    assert_eq!(bench.numbers(item).await, (3, 0));
    bench.tell(&placed.cancelled(&[(item, 2)])).await;
    bench.handled(3).await;
    assert_eq!(bench.numbers(item).await, (5, 0));
    assert_eq!(bench.published(placed.order).await, ["inventory.reserved.v1", "inventory.committed.v1"]);
    assert_eq!(bench.answered(placed.order).await, [false, false]);
    bench.books_hold().await;
}

async fn in_a_choreography_too_little_is_told_and_nothing_kept(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let [item, other] = [bench.item(1).await, bench.item(9).await];
    let placed = Placed::new();
    bench.tell(&placed.created(&[(item, 2), (other, 1)])).await;
    bench.handled(1).await;
    let events = bench.bodies(placed.order).await;
    assert_eq!(events.len(), 1);
    assert_eq!(events[0]["type"], "inventory.rejected.v1");
    assert_eq!(events[0]["data"]["shortages"][0]["available"], 1);
    assert_eq!((bench.numbers(item).await, bench.numbers(other).await), ((1, 0), (9, 0)));
    // The order fails then; the same attempt cannot reserve any more.
    bench.tell(&placed.failed()).await;
    bench.handled(2).await;
    bench.count(item, AdjustmentKind::Purchase, 5).await;
    bench.tell(&placed.created(&[(item, 2)])).await;
    bench.handled(3).await;
    assert_eq!(bench.numbers(item).await, (6, 0));
    bench.books_hold().await;
}

async fn an_order_that_failed_or_was_called_off_lets_go_of_its_stock(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let [failed, cancelled] = [Placed::new(), Placed::new()];
    bench.tell(&failed.created(&[(item, 2)])).await;
    bench.tell(&cancelled.created(&[(item, 3)])).await;
    bench.handled(2).await;
    assert_eq!(bench.numbers(item).await, (5, 5));
    bench.tell(&failed.failed()).await;
    bench.tell(&cancelled.cancelled(&[(item, 3)])).await;
    bench.handled(4).await;
    assert_eq!(bench.numbers(item).await, (5, 0));
    for placed in [failed, cancelled] {
        assert_eq!(state(&bench, &placed).await, Some(ReservationState::Released));
    }
    bench.books_hold().await;
}

async fn whatever_comes_first_what_was_called_off_is_not_sold(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let [before_made, before_sold] = [Placed::new(), Placed::new()];
    bench.tell(&before_made.failed()).await;
    bench.handled(1).await;
    bench.tell(&before_made.created(&[(item, 2)])).await;
    bench.tell(&before_sold.created(&[(item, 2)])).await;
    bench.handled(3).await;
    bench.tell(&before_sold.cancelled(&[(item, 2)])).await;
    bench.handled(4).await;
    bench.tell(&before_sold.confirmed()).await;
    bench.handled(5).await;
    assert_eq!(bench.numbers(item).await, (5, 0));
    assert_eq!(bench.published(before_made.order).await, [""; 0]);
    assert_eq!(bench.published(before_sold.order).await, ["inventory.reserved.v1", "inventory.released.v1"]);
    bench.books_hold().await;
}

async fn an_orchestrated_order_and_one_of_version_1_are_passed_over(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let placed = Placed { flow: CheckoutFlow::Orchestration, ..Placed::new() };
    bench.tell(&placed.created(&[(item, 2)])).await;
    bench.reserve(placed.checkout, placed.order, &[(item, 2)]).await.unwrap();
    bench.tell(&placed.confirmed()).await;
    bench.tell(&placed.failed()).await;
    bench.tell(&placed.cancelled(&[(item, 2)])).await;
    let old = Placed::new();
    let items = lines(&[(item, 1)]);
    bench.tell(&Old(OrderCreatedV1 { order: old.order, user: old.user, items, total_cents: 900 })).await;
    // What comes behind them shows that each of them was come to.
    let other = bench.item(5).await;
    let [sold, failed, cancelled] = [Placed::new(), Placed::new(), Placed::new()];
    for behind in [&sold, &failed, &cancelled] {
        bench.tell(&behind.created(&[(other, 1)])).await;
    }
    bench.handled(3).await;
    bench.tell(&sold.confirmed()).await;
    bench.tell(&failed.failed()).await;
    bench.tell(&cancelled.cancelled(&[(other, 1)])).await;
    bench.handled(6).await;
    assert_eq!(bench.numbers(item).await, (5, 2));
    assert_eq!(bench.numbers(other).await, (4, 0));
    assert_eq!(state(&bench, &placed).await, Some(ReservationState::Active));
}

async fn a_low_level_is_told_once_until_there_is_enough_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    // Of what is new there is nothing, and nobody is told.
    let item = bench.item(0).await;
    bench.count(item, AdjustmentKind::Purchase, 12).await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push(bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 1)]).await.unwrap().checkout);
    }
    bench.inventory.commit(made[0]).await.unwrap();
    assert_eq!(bench.published(item.id).await, ["inventory.low_stock.v1"]);
    bench.count(item, AdjustmentKind::Purchase, 2).await;
    bench.inventory.release(made[1]).await.unwrap();
    bench.count(item, AdjustmentKind::Damage, -5).await;
    let events = bench.bodies(item.id).await;
    let told: Vec<_> = events.iter().map(|event| event["data"]["available"].as_u64().unwrap()).collect();
    assert_eq!(told, [9, 6]);
    assert_eq!(events[0]["data"]["reorderLevel"], 10);
}

on_both_engines!(
    a_product_is_counted_from_its_first_day_to_its_last,
    in_a_choreography_an_order_is_reserved_sold_and_taken_back,
    in_a_choreography_too_little_is_told_and_nothing_kept,
    an_order_that_failed_or_was_called_off_lets_go_of_its_stock,
    whatever_comes_first_what_was_called_off_is_not_sold,
    an_orchestrated_order_and_one_of_version_1_are_passed_over,
    a_low_level_is_told_once_until_there_is_enough_again,
);

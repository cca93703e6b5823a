//! Reservations end with their time, unless they are secured.

use crate::support::{Bench, refused_with, setup, short};
use chassis::db::q;
use contract::ErrorCode;
use contract::ids::{CheckoutId, OrderId};
use contract::inventory::{AdjustmentKind, ReservationState};
use testkit::{Engine, eventually, on_both_engines};

/// With the sweep, which looks whenever a test moves the clock.
async fn start(engine: Engine) -> Option<Bench> {
    let setup = setup()
        .set("BOWLINE_JOBS__ENABLED", "true")
        .set("BOWLINE_JOBS__POLL_MS", "20")
        .set("BOWLINE_INVENTORY__SWEEP_SECS", "1");
    Bench::start_with(setup, engine).await
}

async fn becomes(bench: &Bench, checkout: CheckoutId, state: ReservationState) {
    let db = bench.db();
    eventually(|| async {
        let sql = "SELECT state FROM reservation WHERE checkout_id = $1";
        let found: String = q!(db.read, scalar, sql, checkout.uuid()).unwrap();
        if found == state.as_str() { Ok(()) } else { Err(found) }
    })
    .await;
}

async fn what_is_not_sold_in_its_time_can_be_had_again_and_what_is_secured_cannot(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let item = bench.item(3).await;
    let [left, kept, late] = [CheckoutId::new(), CheckoutId::new(), CheckoutId::new()];
    let order = OrderId::new();
    bench.reserve(left, order, &[(item, 1)]).await.unwrap();
    bench.reserve(kept, OrderId::new(), &[(item, 1)]).await.unwrap();
    bench.inventory.secure(kept).await.unwrap();
    bench.pass(600);
    bench.reserve(late, OrderId::new(), &[(item, 1)]).await.unwrap();
    short(bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 1)]).await);
    bench.pass(301);
    becomes(&bench, left, ReservationState::Expired).await;
    assert_eq!(bench.numbers(item).await, (3, 2));
    assert_eq!(bench.inventory.secure(late).await.unwrap().state, ReservationState::Secured);
    assert_eq!(bench.inventory.commit(kept).await.unwrap().state, ReservationState::Committed);
    refused_with(bench.inventory.secure(left).await, ErrorCode::InvalidTransition);
    refused_with(bench.reserve(left, order, &[(item, 1)]).await, ErrorCode::InvalidTransition);
    let events = bench.bodies(order).await;
    let kinds: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["inventory.reserved.v1", "inventory.released.v1"]);
    assert_eq!(events[1]["data"]["why"], "EXPIRED");
    bench.books_hold().await;
}

async fn what_has_expired_can_still_be_sold_if_there_is_enough(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let item = bench.item(2).await;
    let [first, second] = [CheckoutId::new(), CheckoutId::new()];
    let order = OrderId::new();
    for checkout in [first, second] {
        bench.reserve(checkout, order, &[(item, 1)]).await.unwrap();
    }
    bench.pass(901);
    for checkout in [first, second] {
        becomes(&bench, checkout, ReservationState::Expired).await;
    }
    assert_eq!(bench.inventory.commit(first).await.unwrap().state, ReservationState::Committed);
    assert_eq!(bench.numbers(item).await, (1, 0));
    // Somebody else has the last one.
    bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 1)]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(short(bench.inventory.commit(second).await).len(), 1);
    }
    assert_eq!(bench.numbers(item).await, (1, 1));
    bench.count(item, AdjustmentKind::Purchase, 1).await;
    assert_eq!(bench.inventory.commit(second).await.unwrap().state, ReservationState::Committed);
    bench.books_hold().await;
}

async fn what_has_expired_and_was_let_go_is_not_sold_any_more(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let item = bench.item(1).await;
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    bench.reserve(checkout, order, &[(item, 1)]).await.unwrap();
    bench.pass(901);
    becomes(&bench, checkout, ReservationState::Expired).await;
    assert_eq!(bench.inventory.release(checkout).await.unwrap().state, ReservationState::Released);
    refused_with(bench.inventory.commit(checkout).await, ErrorCode::InvalidTransition);
    assert_eq!(bench.numbers(item).await, (1, 0));
    assert_eq!(bench.published(order).await, ["inventory.reserved.v1", "inventory.released.v1"]);
    bench.books_hold().await;
}

async fn more_reservations_than_fit_into_a_batch_end_together(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let items = bench.items(1_000, 3).await;
    for n in 0..250 {
        let lines = [(items[n % 3], 1), (items[(n + 1) % 3], 2)];
        bench.reserve(CheckoutId::new(), OrderId::new(), &lines).await.unwrap();
    }
    bench.pass(901);
    let db = bench.db();
    eventually(|| async {
        let open: i64 =
            q!(db.read, scalar, "SELECT COUNT(*) FROM reservation WHERE state = 'ACTIVE'").unwrap();
        if open == 0 { Ok(()) } else { Err(open) }
    })
    .await;
    for item in items {
        assert_eq!(bench.numbers(item).await, (1_000, 0));
    }
    bench.books_hold().await;
}

on_both_engines!(
    what_is_not_sold_in_its_time_can_be_had_again_and_what_is_secured_cannot,
    what_has_expired_can_still_be_sold_if_there_is_enough,
    what_has_expired_and_was_let_go_is_not_sold_any_more,
    more_reservations_than_fit_into_a_batch_end_together,
);

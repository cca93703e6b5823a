//! Reservations: all lines or none, the same again, and every step of their lives.

use crate::support::{Bench, refused, refused_with, short, wanted};
use contract::ErrorCode;
use contract::ids::{CheckoutId, OrderId, ProductId, RefundId};
use contract::inventory::{ReservationState, Reserve, ReserveLine, Restock, Shortage};
use testkit::{Engine, on_both_engines};

async fn all_lines_are_kept_or_none_and_every_shortage_is_told(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let [plenty, scarce, none] = [bench.item(10).await, bench.item(2).await, bench.item(0).await];
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    let short = short(bench.reserve(checkout, order, &[(plenty, 3), (scarce, 3), (none, 1)]).await);
    let mut expected = vec![
        Shortage { product: scarce.id, wanted: 3, available: 2 },
        Shortage { product: none.id, wanted: 1, available: 0 },
    ];
    expected.sort_by_key(|shortage| shortage.product);
    assert_eq!(short, expected);
    assert_eq!(bench.numbers(plenty).await, (10, 0));
    assert_eq!(bench.rows("SELECT COUNT(*) FROM reservation").await, 0);
    // Nothing was kept, so the same checkout may ask for less.
    let kept = bench.reserve(checkout, order, &[(plenty, 3), (scarce, 2)]).await.unwrap();
    assert_eq!((kept.state, kept.order, kept.lines.len()), (ReservationState::Active, order, 2));
    assert_eq!(bench.numbers(scarce).await, (2, 2));
    bench.books_hold().await;
}

async fn two_lines_of_one_product_are_one_demand(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    let short = short(bench.reserve(checkout, order, &[(item, 3), (item, 3)]).await);
    assert_eq!(short, [Shortage { product: item.id, wanted: 6, available: 5 }]);
    let kept = bench.reserve(checkout, order, &[(item, 3), (item, 2)]).await.unwrap();
    assert_eq!(kept.lines, [ReserveLine { product: item.id, quantity: 5 }]);
    assert_eq!(bench.numbers(item).await, (5, 5));
}

async fn the_same_checkout_again_is_the_same_reservation(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    let first = bench.reserve(checkout, order, &[(item, 2)]).await.unwrap();
    bench.pass(60);
    assert_eq!(bench.reserve(checkout, order, &[(item, 1), (item, 1)]).await.unwrap(), first);
    assert_eq!(bench.numbers(item).await, (5, 2));
    refused_with(bench.reserve(checkout, order, &[(item, 3)]).await, ErrorCode::Conflict);
    refused_with(bench.reserve(checkout, OrderId::new(), &[(item, 2)]).await, ErrorCode::Conflict);
    assert_eq!(bench.published(order).await, ["inventory.reserved.v1"]);
    bench.books_hold().await;
}

async fn a_reservation_goes_through_its_life_and_each_step_may_be_asked_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    bench.reserve(checkout, order, &[(item, 2)]).await.unwrap();
    for _ in 0..2 {
        assert_eq!(bench.inventory.secure(checkout).await.unwrap().state, ReservationState::Secured);
    }
    assert_eq!(bench.numbers(item).await, (5, 2));
    for _ in 0..2 {
        let gone = bench.inventory.commit(checkout).await.unwrap();
        assert_eq!((gone.state, gone.lines.len()), (ReservationState::Committed, 1));
    }
    assert_eq!(bench.numbers(item).await, (3, 0));
    // What was asked late is true already, or cannot be any more.
    assert_eq!(bench.inventory.secure(checkout).await.unwrap().state, ReservationState::Committed);
    assert_eq!(
        bench.reserve(checkout, order, &[(item, 2)]).await.unwrap().state,
        ReservationState::Committed
    );
    refused_with(bench.inventory.release(checkout).await, ErrorCode::InvalidTransition);
    assert_eq!(bench.published(order).await, ["inventory.reserved.v1", "inventory.committed.v1"]);
    assert_eq!(bench.answered(order).await, [true, true]);
    bench.books_hold().await;
}

async fn what_is_released_can_be_had_by_others_and_not_by_the_same_checkout(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(2).await;
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    bench.reserve(checkout, order, &[(item, 2)]).await.unwrap();
    bench.inventory.secure(checkout).await.unwrap();
    for _ in 0..2 {
        assert_eq!(bench.inventory.release(checkout).await.unwrap().state, ReservationState::Released);
    }
    assert_eq!(bench.numbers(item).await, (2, 0));
    refused_with(bench.reserve(checkout, order, &[(item, 2)]).await, ErrorCode::InvalidTransition);
    refused_with(bench.inventory.secure(checkout).await, ErrorCode::InvalidTransition);
    refused_with(bench.inventory.commit(checkout).await, ErrorCode::InvalidTransition);
    bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 2)]).await.unwrap();
    bench.books_hold().await;
}

async fn a_release_that_comes_before_its_reservation_keeps_it_from_being_made(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(2).await;
    let checkout = CheckoutId::new();
    for _ in 0..2 {
        let answer = bench.inventory.release(checkout).await.unwrap();
        assert_eq!((answer.state, answer.lines.len()), (ReservationState::Released, 0));
    }
    let late = bench.reserve(checkout, OrderId::new(), &[(item, 1)]).await;
    refused_with(late, ErrorCode::InvalidTransition);
    assert_eq!(bench.numbers(item).await, (2, 0));
    assert!(bench.inventory.reservations(None, 10).await.unwrap().is_empty());
    bench.books_hold().await;
}

async fn what_nobody_has_reserved_is_neither_secured_nor_sold(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    refused_with(bench.inventory.secure(CheckoutId::new()).await, ErrorCode::NotFound);
    refused_with(bench.inventory.commit(CheckoutId::new()).await, ErrorCode::NotFound);
    let unknown = Reserve {
        order: OrderId::new(),
        lines: vec![ReserveLine { product: ProductId::new(), quantity: 1 }],
    };
    let answer = bench.inventory.reserve(CheckoutId::new(), &unknown).await;
    assert_eq!(short(answer).len(), 1);
    let nothing = wanted(OrderId::new(), &[]);
    refused_with(bench.inventory.reserve(CheckoutId::new(), &nothing).await, ErrorCode::Validation);
    let item = bench.item(1).await;
    refused_with(bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 0)]).await, ErrorCode::Validation);
}

async fn sold_goods_come_back_once_for_each_refund_and_never_more_than_were_sold(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(9).await;
    let (checkout, order) = (CheckoutId::new(), OrderId::new());
    bench.reserve(checkout, order, &[(item, 4)]).await.unwrap();
    let back = |refund, quantity| {
        let lines = vec![ReserveLine { product: item.id, quantity }];
        let restock = Restock { refund, order, lines };
        let inventory = bench.inventory.clone();
        async move { inventory.restock(&restock).await }
    };
    let (first, second) = (RefundId::new(), RefundId::new());
    refused_with(back(first, 1).await, ErrorCode::InvalidTransition);
    bench.inventory.commit(checkout).await.unwrap();
    for _ in 0..2 {
        back(first, 3).await.unwrap();
    }
    assert_eq!(bench.numbers(item).await, (8, 0));
    refused_with(back(first, 1).await, ErrorCode::Conflict);
    let too_many = refused(back(second, 2).await);
    assert_eq!(too_many.code, ErrorCode::Conflict);
    assert_eq!(Shortage::of_detail(too_many.details.first().unwrap()).unwrap().available, 1);
    back(second, 1).await.unwrap();
    assert_eq!(bench.numbers(item).await, (9, 0));
    bench.books_hold().await;
}

async fn reservations_are_listed_by_checkout_with_their_lines(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let items = bench.items(100, 2).await;
    let mut made = Vec::new();
    for _ in 0..5 {
        let lines = [(items[0], 1), (items[1], 2)];
        made.push(bench.reserve(CheckoutId::new(), OrderId::new(), &lines).await.unwrap());
    }
    made.sort_by_key(|reservation| reservation.checkout);
    let mut listed = Vec::new();
    loop {
        let after = listed.last().map(|last: &contract::inventory::Reservation| last.checkout);
        let page = bench.inventory.reservations(after, 2).await.unwrap();
        if page.is_empty() {
            break;
        }
        listed.extend(page);
    }
    assert_eq!(listed, made);
}

async fn nobody_from_outside_reserves(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(1).await;
    let path = format!("/internal/v1/inventory/reservations/{}", CheckoutId::new());
    let body = wanted(OrderId::new(), &[(item, 1)]);
    bench.admin().put(&path, &body).await.expect(404);
    assert_eq!(bench.numbers(item).await, (1, 0));
}

on_both_engines!(
    all_lines_are_kept_or_none_and_every_shortage_is_told,
    two_lines_of_one_product_are_one_demand,
    the_same_checkout_again_is_the_same_reservation,
    a_reservation_goes_through_its_life_and_each_step_may_be_asked_again,
    what_is_released_can_be_had_by_others_and_not_by_the_same_checkout,
    a_release_that_comes_before_its_reservation_keeps_it_from_being_made,
    what_nobody_has_reserved_is_neither_secured_nor_sold,
    sold_goods_come_back_once_for_each_refund_and_never_more_than_were_sold,
    reservations_are_listed_by_checkout_with_their_lines,
    nobody_from_outside_reserves,
);

//! Checkouts, in both flows and on both engines.

use crate::bench::{Bench, FLOWS, Person, wish};
use crate::town::eur;
use contract::ErrorCode;
use contract::inventory::ReservationState;
use contract::orders::{Order, OrderStatus};
use contract::payments::PaymentState;
use testkit::{Engine, eventually, on_both_engines};

async fn an_order_is_paid_and_sold_and_everybody_sees_the_same(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen, ink) = (bench.person(), bench.town.put("pen", 300, 5), bench.town.put("ink", 250, 5));
        let order = ada.buy(&[(pen, 2), (ink, 1), (pen, 1)], "pm_card_visa").await;
        assert_eq!((order.status, order.processing), (OrderStatus::Confirmed, false), "{flow}");
        // 9 + 2.50 + 12.99 and 20 % of it.
        assert_eq!((order.totals.subtotal, order.totals.total), (eur(1150), eur(2939)));
        assert_eq!(order.lines.iter().map(|line| line.quantity).collect::<Vec<_>>(), [3, 1]);
        assert_eq!(ada.see(&order).await, order);
        let happened = ada.history(&order).await;
        assert_eq!(happened, ["placed", "checkout_started", "confirmed", "completed"]);
        assert_eq!(bench.town.payments(), [(PaymentState::Captured, eur(2939), eur(0))]);
        assert_eq!(bench.town.reservations(), [ReservationState::Committed]);
        assert_eq!((bench.town.stock_of(pen), bench.town.stock_of(ink)), (2, 4));
        bench.books_agree().await;
    }
}

async fn what_is_not_in_stock_is_not_sold_and_costs_nothing(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen, ink) = (bench.person(), bench.town.put("pen", 300, 9), bench.town.put("ink", 250, 1));
        let order = ada.buy(&[(pen, 1), (ink, 2)], "pm_card_visa").await;
        assert_eq!((order.status, order.processing), (OrderStatus::Failed, false), "{flow}");
        assert!(order.failure.unwrap().contains("stock"), "{flow}");
        assert_eq!((bench.town.stock_of(pen), bench.town.stock_of(ink)), (9, 1));
        let let_go = || bench.town.payments().iter().all(|(state, ..)| *state == PaymentState::Voided);
        eventually(|| std::future::ready(let_go())).await;
        bench.books_agree().await;
    }
}

async fn a_declined_order_is_tried_again_with_another_card(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
        let order = ada.buy(&[(pen, 1)], "pm_card_declined").await;
        assert_eq!(order.status, OrderStatus::Failed, "{flow}");
        assert_eq!(order.failure.as_deref(), Some("The card was declined."));
        eventually(|| std::future::ready(bench.town.stock_of(pen) == 1)).await;
        let again: Order = ada.retry(&order, "pm_card_visa").await.expect(200).data();
        assert_eq!((again.status, again.failure), (OrderStatus::Confirmed, None), "{flow}");
        assert_ne!(again.payment, order.payment);
        assert_eq!((again.number, bench.town.stock_of(pen)), (order.number.clone(), 0));
        ada.retry(&order, "pm_card_visa").await.expect(409).refused(ErrorCode::InvalidTransition);
        bench.books_agree().await;
    }
}

async fn nothing_is_bought_at_another_price_than_was_shown(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 9));
    let mut asked = wish(&[(pen, 1)], "pm_card_declined");
    asked["expectedTotal"] = serde_json::json!({"amount": 1, "currency": "EUR"});
    ada.0.post("/api/v1/orders", &asked).await.expect(409).refused(ErrorCode::PriceChanged);
    let order = ada.buy(&[(pen, 1)], "pm_card_declined").await;
    bench.town.change(pen, |quoted| quoted.price = eur(301));
    ada.retry(&order, "pm_card_visa").await.expect(409).refused(ErrorCode::PriceChanged);
    asked["expectedTotal"] = serde_json::to_value(order.totals.total).unwrap();
    ada.0.post("/api/v1/orders", &asked).await.expect(409).refused(ErrorCode::PriceChanged);
    bench.town.change(pen, |quoted| quoted.price = eur(300));
    let again: Order = ada.retry(&order, "pm_card_visa").await.expect(200).data();
    assert_eq!(again.totals, order.totals);
}

async fn what_is_not_for_sale_is_named_line_by_line(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen, ink) = (bench.person(), bench.town.put("pen", 300, 9), bench.town.put("ink", 250, 9));
    bench.town.change(ink, |quoted| quoted.active = false);
    let unknown = contract::ids::ProductId::new();
    let refused = ada.try_to_buy(&[(pen, 1), (ink, 1), (unknown, 1)], "pm_card_visa").await.expect(409);
    let fields: Vec<String> =
        refused.refused(ErrorCode::NotForSale).error.details.into_iter().map(|detail| detail.field).collect();
    assert_eq!(fields, ["items[1]", "items[2]"]);
    assert!(bench.town.reservations().is_empty());
}

async fn nothing_is_sold_from_a_copy_while_the_catalog_is_away(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 9));
    bench.town.is_away("catalog", true);
    let refused = ada.try_to_buy(&[(pen, 1)], "pm_card_visa").await.expect(503);
    assert!(refused.header("retry-after").is_some());
    assert!(bench.town.payments().is_empty());
}

async fn a_slow_provider_is_processing_and_not_failure(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
        let order = ada.order(&[(pen, 1)], "pm_card_slow").await;
        assert_eq!((order.status, order.processing), (OrderStatus::Pending, true), "{flow}");
        eventually(|| std::future::ready(bench.town.payments().len() == 1)).await;
        assert!(ada.see(&order).await.processing);
        bench.provider_says(order.payment, PaymentState::Authorized).await;
        let order = ada.rest(&bench, &order).await;
        assert_eq!(order.status, OrderStatus::Confirmed, "{flow}");
        assert_eq!(bench.town.payments(), [(PaymentState::Captured, order.totals.total, eur(0))]);
    }
}

async fn a_buyer_who_has_to_prove_something_is_told_at_once(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
        let order = ada.buy(&[(pen, 1)], "pm_card_authentication_required").await;
        assert_eq!((order.status, order.processing), (OrderStatus::Pending, true), "{flow}");
        assert!(order.action_required, "{flow}");
        bench.provider_says(order.payment, PaymentState::Authorized).await;
        let order = ada.rest(&bench, &order).await;
        assert_eq!((order.status, order.action_required), (OrderStatus::Confirmed, false), "{flow}");
    }
}

/// Each kind of event has a handler of its own, which may be behind the others.
async fn a_word_that_comes_late_takes_nothing_back(engine: Engine) {
    let Some(bench) = Bench::start(engine, "choreography").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
    bench.town.is_away("inventory", true);
    let order = ada.order(&[(pen, 1)], "pm_card_slow").await;
    eventually(|| std::future::ready(bench.town.payments().len() == 1)).await;
    bench.provider_says(order.payment, PaymentState::Authorized).await;
    bench.orders_heard("payment-authorized").await;
    bench.provider_says(order.payment, PaymentState::RequiresAction).await;
    bench.orders_heard("payment-action-required").await;
    assert!(!ada.see(&order).await.action_required);
    bench.town.books().settles(order.payment, PaymentState::Authorized);
    bench.town.is_away("inventory", false);
    let order = ada.rest(&bench, &order).await;
    assert_eq!(order.status, OrderStatus::Confirmed);
    bench.books_agree().await;
}

async fn a_payment_that_never_comes_ends_in_time_and_leaves_nothing(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
        let order = ada.order(&[(pen, 1)], "pm_card_slow").await;
        eventually(|| std::future::ready(bench.town.payments().len() == 1)).await;
        bench.pass(590);
        assert!(ada.see(&order).await.processing);
        bench.pass(20);
        let order = ada.rest(&bench, &order).await;
        assert_eq!(order.status, OrderStatus::Failed, "{flow}");
        eventually(|| std::future::ready(bench.town.payments()[0].0 == PaymentState::Voided)).await;
        eventually(|| std::future::ready(bench.town.stock_of(pen) == 1)).await;
        bench.books_agree().await;
    }
}

async fn a_payment_that_comes_when_the_goods_are_gone_is_let_go(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
    let order = ada.order(&[(pen, 1)], "pm_card_slow").await;
    eventually(|| std::future::ready(bench.town.payments().len() == 1)).await;
    bench.town.books().moves(order.payment, ReservationState::Expired).unwrap();
    bench.provider_says(order.payment, PaymentState::Authorized).await;
    let order = ada.rest(&bench, &order).await;
    assert_eq!(order.status, OrderStatus::Failed);
    assert!(order.failure.unwrap().contains("not kept any more"));
    assert_eq!(bench.town.payments()[0].0, PaymentState::Voided);
    assert_eq!(bench.town.stock_of(pen), 1);
    bench.books_agree().await;
}

async fn the_same_request_twice_is_one_order(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 9));
    let ask = || ada.0.request(http::Method::POST, "/api/v1/orders").header("idempotency-key", "k1");
    let first: Order = ask().json(wish(&[(pen, 1)], "pm_card_visa")).send().await.expect(201).data();
    let second = ask().json(wish(&[(pen, 1)], "pm_card_visa")).send().await.expect(201);
    assert_eq!(second.header("idempotency-replayed"), Some("true"));
    let second: Order = second.data();
    // What was kept with the order is what was true then; it does not claim to be the end.
    assert_eq!((second.id, second.processing), (first.id, true));
    assert_eq!(bench.town.stock_of(pen), 8);
    ask().json(wish(&[(pen, 2)], "pm_card_visa")).send().await.expect(422);
}

async fn an_inventory_that_is_away_for_a_moment_costs_a_moment(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
    bench.town.is_away("inventory", true);
    let order = ada.order(&[(pen, 1)], "pm_card_visa").await;
    assert!(ada.see(&order).await.processing);
    bench.town.is_away("inventory", false);
    assert_eq!(ada.rest(&bench, &order).await.status, OrderStatus::Confirmed);
}

async fn of_many_who_want_the_last_ones_only_so_many_get_one(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let pen = bench.town.put("pen", 300, 3);
        let people: Vec<Person> = (0..12).map(|_| bench.person()).collect();
        let buying = people.iter().map(|person| async {
            let order = person.order(&[(pen, 1)], "pm_card_visa").await;
            person.rest(&bench, &order).await.status
        });
        let ends = futures_util::future::join_all(buying).await;
        assert_eq!(ends.iter().filter(|end| **end == OrderStatus::Confirmed).count(), 3, "{flow}: {ends:?}");
        assert_eq!(bench.town.stock_of(pen), 0);
        let taken = bench.town.payments().into_iter().filter(|(state, ..)| *state == PaymentState::Captured);
        assert_eq!(taken.count(), 3);
        bench.books_agree().await;
    }
}

on_both_engines!(
    an_order_is_paid_and_sold_and_everybody_sees_the_same,
    what_is_not_in_stock_is_not_sold_and_costs_nothing,
    a_declined_order_is_tried_again_with_another_card,
    nothing_is_bought_at_another_price_than_was_shown,
    what_is_not_for_sale_is_named_line_by_line,
    nothing_is_sold_from_a_copy_while_the_catalog_is_away,
    a_slow_provider_is_processing_and_not_failure,
    a_buyer_who_has_to_prove_something_is_told_at_once,
    a_word_that_comes_late_takes_nothing_back,
    a_payment_that_never_comes_ends_in_time_and_leaves_nothing,
    a_payment_that_comes_when_the_goods_are_gone_is_let_go,
    the_same_request_twice_is_one_order,
    an_inventory_that_is_away_for_a_moment_costs_a_moment,
    of_many_who_want_the_last_ones_only_so_many_get_one,
);

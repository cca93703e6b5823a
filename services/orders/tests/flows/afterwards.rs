//! What is done to orders that were placed: called off, moved on, given back; by whom, and never twice.

use crate::bench::{Bench, FLOWS, Person};
use crate::town::eur;
use contract::ErrorCode;
use contract::inventory::ReservationState;
use contract::orders::{Order, OrderActor, OrderHappening, OrderRefundState, OrderStatus};
use contract::payments::PaymentState;
use serde_json::json;
use testkit::{Engine, eventually, on_both_engines};

async fn an_order_that_is_called_off_while_it_is_settled_leaves_nothing(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
        let order = ada.order(&[(pen, 1)], "pm_card_slow").await;
        eventually(|| std::future::ready(bench.town.payments().len() == 1)).await;
        let called_off: Order = ada.cancel(&order).await.expect(200).data();
        assert_eq!(called_off.cancel_reason.as_deref(), Some("changed my mind"));
        let end = ada.rest(&bench, &order).await;
        assert_eq!((end.status, end.refunded), (OrderStatus::Cancelled, eur(0)), "{flow}");
        eventually(|| std::future::ready(bench.town.payments()[0].0 == PaymentState::Voided)).await;
        eventually(|| std::future::ready(bench.town.reservations() == [ReservationState::Released])).await;
        assert_eq!(bench.town.stock_of(pen), 1);
        ada.cancel(&order).await.expect(409).refused(ErrorCode::InvalidTransition);
        ada.retry(&order, "pm_card_visa").await.expect(409).refused(ErrorCode::InvalidTransition);
    }
}

async fn an_order_that_is_called_off_after_it_was_sold_is_given_back_once(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 4));
        let order = ada.buy(&[(pen, 3)], "pm_card_visa").await;
        assert_eq!((order.status, order.processing), (OrderStatus::Confirmed, false), "{flow}");
        let (first, second) = tokio::join!(ada.cancel(&order), ada.cancel(&order));
        let mut answers = [first.status.as_u16(), second.status.as_u16()];
        answers.sort_unstable();
        assert_eq!(answers, [200, 409], "{flow}");
        let end = ada.rest(&bench, &order).await;
        assert_eq!((end.status, end.refunded), (OrderStatus::Cancelled, order.totals.total), "{flow}");
        let total = order.totals.total;
        assert_eq!(bench.town.payments(), [(PaymentState::Refunded, total, total)], "{flow}");
        eventually(|| std::future::ready(bench.town.stock_of(pen) == 4)).await;
        bench.books_agree().await;
    }
}

async fn one_that_is_called_off_while_its_money_is_taken_is_given_back_when_it_is_there(engine: Engine) {
    for flow in FLOWS {
        let Some(bench) = Bench::start(engine, flow).await else { return };
        let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 4));
        let order = ada.order(&[(pen, 1)], "pm_card_capture_slow").await;
        let order = ada.until(&order, OrderStatus::Confirmed).await;
        assert!(order.processing, "{flow}: the money is not there");
        let staff = bench.staff();
        staff.tell(&order, "process", json!({})).await.expect(409).refused(ErrorCode::InvalidTransition);
        let ask = ada.cancel(&order);
        let settle = async {
            ada.until(&order, OrderStatus::Cancelled).await;
            if flow == "orchestration" {
                bench.provider_says(order.payment, PaymentState::Captured).await;
            }
        };
        let (answer, ()) = tokio::join!(ask, settle);
        answer.expect(200);
        let end = ada.rest(&bench, &order).await;
        assert_eq!(end.status, OrderStatus::Cancelled, "{flow}");
        let expected = if flow == "orchestration" { PaymentState::Refunded } else { PaymentState::Voided };
        assert_eq!(bench.town.payments()[0].0, expected, "{flow}");
        eventually(|| std::future::ready(bench.town.stock_of(pen) == 4)).await;
        bench.books_agree().await;
    }
}

async fn the_shop_moves_an_order_on_and_a_buyer_does_not(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, staff, pen) = (bench.person(), bench.staff(), bench.town.put("pen", 300, 4));
    let order = ada.buy(&[(pen, 1)], "pm_card_visa").await;
    let parcel = json!({"carrier": "DHL", "trackingNumber": "0034"});
    for (verb, body) in [("process", json!({})), ("ship", parcel.clone()), ("deliver", json!({}))] {
        ada.tell(&order, verb, body).await.expect(403).refused(ErrorCode::Forbidden);
    }
    staff.tell(&order, "ship", parcel.clone()).await.expect(409).refused(ErrorCode::InvalidTransition);
    staff.tell(&order, "process", json!({})).await.expect(200);
    ada.cancel(&order).await.expect(409).refused(ErrorCode::InvalidTransition);
    let shipped: Order = staff.tell(&order, "ship", parcel).await.expect(200).data();
    assert_eq!((shipped.carrier.as_deref(), shipped.tracking_number.as_deref()), (Some("DHL"), Some("0034")));
    staff.cancel(&order).await.expect(409).refused(ErrorCode::InvalidTransition);
    let delivered: Order = staff.tell(&order, "deliver", json!({})).await.expect(200).data();
    assert_eq!(delivered.status, OrderStatus::Delivered);
    staff.tell(&order, "deliver", json!({})).await.expect(409);

    let path = format!("/api/v1/orders/{}/history", order.id);
    let history: Vec<OrderHappening> = ada.0.get(&path).await.expect(200).data();
    let by: Vec<_> = history.iter().map(|happening| (happening.what.as_str(), happening.by)).collect();
    let expected = [
        ("placed", OrderActor::Buyer),
        ("checkout_started", OrderActor::Buyer),
        ("confirmed", OrderActor::Shop),
        ("completed", OrderActor::Shop),
        ("processing_begun", OrderActor::Staff),
        ("shipped", OrderActor::Staff),
        ("delivered", OrderActor::Staff),
    ];
    assert_eq!(by, expected);
}

async fn refunds_together_never_come_to_more_than_was_paid(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, staff, pen) = (bench.person(), bench.staff(), bench.town.put("pen", 2_000, 4));
    let order = ada.buy(&[(pen, 2)], "pm_card_visa").await;
    let total = order.totals.total;
    ada.tell(&order, "refunds", json!({"reason": "please"})).await.expect(403);
    let whole = staff.tell(&order, "refunds", json!({"reason": "all of it"})).await.expect(409);
    assert!(whole.json()["error"]["message"].as_str().unwrap().ends_with("call it off."));
    whole.refused(ErrorCode::InvalidTransition);
    staff.tell(&order, "process", json!({})).await.expect(200);
    let parcel = json!({"carrier": "DHL", "trackingNumber": "0034"});
    staff.tell(&order, "ship", parcel).await.expect(200);

    let third = json!({"amount": {"amount": total.amount / 3, "currency": "EUR"}, "reason": "broken"});
    let asking = (0..8).map(|_| staff.tell(&order, "refunds", third.clone()));
    let answers = futures_util::future::join_all(asking).await;
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 201, 201, 409, 409, 409, 409, 409]);
    let order = ada.rest(&bench, &order).await;
    assert_eq!(order.refunded, eur(total.amount / 3 * 3));
    assert!(order.refunds.iter().all(|refund| refund.state == OrderRefundState::Succeeded));

    let too_many = json!({"reason": "back", "restock": [{"productId": pen, "quantity": 3}]});
    staff.tell(&order, "refunds", too_many).await.expect(400);
    let rest = json!({"reason": "back", "restock": [{"productId": pen, "quantity": 1}]});
    let left = total.amount - total.amount / 3 * 3;
    if left > 0 {
        staff.tell(&order, "refunds", rest).await.expect(201);
        let order = ada.rest(&bench, &order).await;
        assert_eq!((order.status, order.refunded), (OrderStatus::Refunded, total));
        assert_eq!(bench.town.stock_of(pen), 3);
        assert_eq!(bench.town.payments(), [(PaymentState::Refunded, total, total)]);
    }
    staff.tell(&order, "refunds", json!({"reason": "more"})).await.expect(409);
    bench.books_agree().await;
}

async fn nothing_is_given_back_of_what_has_nothing_left_and_nobody_is_asked(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, staff, pen) = (bench.person(), bench.staff(), bench.town.put("pen", 2_000, 4));
    let order = ada.buy(&[(pen, 1)], "pm_card_visa").await;
    staff.tell(&order, "process", json!({})).await.expect(200);
    staff.tell(&order, "ship", json!({"carrier": "DHL", "trackingNumber": "0034"})).await.expect(200);
    let one_cent = json!({"amount": {"amount": 1, "currency": "EUR"}, "reason": "more"});
    let asks = [json!({"reason": "more"}), one_cent];

    // The whole is on its way: it is not given back a second time.
    bench.town.is_away("payments", true);
    let whole = staff.tell(&order, "refunds", json!({"reason": "all of it"}));
    let meanwhile = async {
        eventually(async || ada.see(&order).await.refunds.len() == 1).await;
        for ask in asks.clone() {
            let answer = staff.tell(&order, "refunds", ask).await.expect(409);
            assert_eq!(answer.json()["error"]["message"], "Nothing of it is left to be given back.");
            answer.refused(ErrorCode::RefundTooLarge);
        }
        bench.town.is_away("payments", false);
    };
    tokio::join!(whole, meanwhile).0.expect(201);
    assert_eq!(ada.rest(&bench, &order).await.status, OrderStatus::Refunded);

    let asked = || bench.town.books().asked.get("payments.refund").copied();
    let before = asked();
    for ask in asks {
        let answer = staff.tell(&order, "refunds", ask).await.expect(409);
        assert_eq!(answer.json()["error"]["message"], "The order is REFUNDED; that cannot be done to it.");
        answer.refused(ErrorCode::InvalidTransition);
    }
    assert_eq!(ada.rest(&bench, &order).await.refunds.len(), 1);
    assert_eq!(asked(), before);
    assert_eq!(bench.town.books().refunds.len(), 1);
    bench.books_agree().await;
}

async fn a_refund_that_the_provider_refuses_gives_nothing_back_and_may_be_tried_again(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, staff, pen) = (bench.person(), bench.staff(), bench.town.put("pen", 2_000, 4));
    let order = ada.buy(&[(pen, 1)], "pm_card_visa").await;
    // The provider has given some of it back by itself.
    bench.town.books().payments.get_mut(&order.payment).unwrap().refunded = order.totals.total;
    let some = json!({"amount": {"amount": 100, "currency": "EUR"}, "reason": "broken"});
    staff.tell(&order, "refunds", some.clone()).await.expect(201);
    let seen = ada.rest(&bench, &order).await;
    assert_eq!((seen.refunds[0].state, seen.refunded), (OrderRefundState::Failed, eur(0)));
    bench.town.books().payments.get_mut(&order.payment).unwrap().refunded = eur(0);
    staff.tell(&order, "refunds", some).await.expect(201);
    assert_eq!(ada.rest(&bench, &order).await.refunded, eur(100));
}

async fn nobody_reaches_anothers_order(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, bob, pen) = (bench.person(), bench.person(), bench.town.put("pen", 300, 4));
    let order = ada.buy(&[(pen, 1)], "pm_card_declined").await;
    let path = format!("/api/v1/orders/{}", order.id);
    for path in [path.clone(), format!("{path}/history"), format!("{path}?asOf=2100-01-01T00:00:00Z")] {
        bob.0.get(&path).await.expect(404).refused(ErrorCode::NotFound);
        bench.service.client().get(&path).await.expect(401);
    }
    bob.cancel(&order).await.expect(404).refused(ErrorCode::NotFound);
    bob.retry(&order, "pm_card_visa").await.expect(404).refused(ErrorCode::NotFound);
    // Who manages orders sees it, and cannot pay it in the buyer's place.
    let staff = bench.staff();
    assert_eq!(staff.see(&order).await, order);
    staff.retry(&order, "pm_card_visa").await.expect(404);
    // A role in a body is not a role.
    let refused = ada.tell(&order, "cancel", json!({"reason": "x", "role": "admin"})).await;
    refused.expect(400);
}

async fn an_order_is_shown_as_it_was(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 4));
    let before = bench.service.clock().now();
    bench.pass(10);
    let order = ada.buy(&[(pen, 1)], "pm_card_visa").await;
    let bought = bench.service.clock().now();
    bench.pass(10);
    ada.cancel(&order).await.expect(200);
    assert_eq!(ada.rest(&bench, &order).await.status, OrderStatus::Cancelled);
    let path = |at: chassis::clock::Ts| format!("/api/v1/orders/{}?asOf={at}", order.id);
    let then: Order = ada.0.get(&path(bought)).await.expect(200).data();
    assert_eq!((then.status, then.version), (OrderStatus::Confirmed, order.version));
    ada.0.get(&path(before)).await.expect(404);
}

/// Goods that were confirmed and are not there after all: only events can come to that.
async fn what_cannot_leave_after_all_is_called_off_and_given_back(engine: Engine) {
    let Some(bench) = Bench::start(engine, "choreography").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 1));
    let order = ada.order(&[(pen, 1)], "pm_card_slow").await;
    eventually(|| std::future::ready(bench.town.reservations() == [ReservationState::Active])).await;
    eventually(|| std::future::ready(bench.town.payments().len() == 1)).await;
    // It expires unheard, and somebody else takes the last one.
    bench.town.books().moves(order.payment, ReservationState::Expired).unwrap();
    bench.town.books().stock.insert(pen, 0);
    bench.provider_says(order.payment, PaymentState::Authorized).await;
    let end = ada.rest(&bench, &order).await;
    assert_eq!(end.status, OrderStatus::Cancelled, "{:?}", ada.history(&order).await);
    assert!(end.cancel_reason.unwrap().contains("stock"));
    let settled = [PaymentState::Refunded, PaymentState::Voided];
    assert!(settled.contains(&bench.town.payments()[0].0), "{:?}", bench.town.payments());
}

async fn people_who_change_one_order_at_once_wait_for_each_other(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, staff, pen) = (bench.person(), bench.staff(), bench.town.put("pen", 300, 9));
    for _ in 0..5 {
        let order = ada.buy(&[(pen, 1)], "pm_card_visa").await;
        let (cancelled, processed): (_, _) =
            tokio::join!(ada.cancel(&order), staff.tell(&order, "process", json!({})));
        let (cancelled, processed) = (cancelled.status.as_u16(), processed.status.as_u16());
        assert!(matches!((cancelled, processed), (200, 409) | (409, 200)), "{cancelled} {processed}");
        let end = ada.rest(&bench, &order).await;
        let expected = if cancelled == 200 { OrderStatus::Cancelled } else { OrderStatus::Processing };
        assert_eq!(end.status, expected);
        let person: &Person = &staff;
        assert_eq!(person.see(&order).await.status, expected);
    }
}

async fn an_audit_finds_what_was_not_sold_and_costs_and_what_was_sold_and_does_not(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let (ada, pen) = (bench.person(), bench.town.put("pen", 300, 9));
    let sold = ada.buy(&[(pen, 1)], "pm_card_visa").await;
    let unsold = ada.buy(&[(pen, 1)], "pm_card_declined").await;
    bench.books_agree().await;
    let found = async |rule: &str| {
        let wrong = bench.audit().await.into_iter().find(|finding| finding.invariant == rule);
        wrong.map(|finding| finding.violations.into_iter().map(|v| v.subject).collect::<Vec<_>>())
    };
    let subject = |order: &Order| Some(vec![format!("order {}", order.id)]);
    let settles = |order: &Order, state| drop(bench.town.books().settles(order.payment, state));
    let rule = "orders-and-payments-agree";
    settles(&unsold, PaymentState::Captured);
    assert_eq!(found(rule).await, subject(&unsold));
    settles(&unsold, PaymentState::Failed);
    settles(&sold, PaymentState::Voided);
    assert_eq!(found(rule).await, subject(&sold));
    settles(&sold, PaymentState::Captured);
    let stray = contract::ids::CheckoutId::new();
    let order = contract::ids::OrderId::new();
    let body = contract::inventory::Reserve { order, lines: vec![] };
    bench.town.books().reserve(stray, &body).unwrap();
    bench
        .town
        .books()
        .reservations
        .get_mut(&stray)
        .unwrap()
        .lines
        .push(contract::inventory::ReserveLine { product: pen, quantity: 1 });
    assert_eq!(found("orders-and-reservations-agree").await, Some(vec![format!("order {order}")]));
}

on_both_engines!(
    an_order_that_is_called_off_while_it_is_settled_leaves_nothing,
    an_order_that_is_called_off_after_it_was_sold_is_given_back_once,
    one_that_is_called_off_while_its_money_is_taken_is_given_back_when_it_is_there,
    the_shop_moves_an_order_on_and_a_buyer_does_not,
    refunds_together_never_come_to_more_than_was_paid,
    nothing_is_given_back_of_what_has_nothing_left_and_nobody_is_asked,
    a_refund_that_the_provider_refuses_gives_nothing_back_and_may_be_tried_again,
    nobody_reaches_anothers_order,
    an_order_is_shown_as_it_was,
    what_cannot_leave_after_all_is_called_off_and_given_back,
    people_who_change_one_order_at_once_wait_for_each_other,
    an_audit_finds_what_was_not_sold_and_costs_and_what_was_sold_and_does_not,
);

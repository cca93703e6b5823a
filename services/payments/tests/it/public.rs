//! What people see, and what they do not.

use crate::support::{Bench, Card, Kind, impatient, refused};
use chassis::db::q;
use contract::ErrorCode;
use contract::identity::Role;
use contract::ids::{CheckoutId, RefundId};
use contract::payments::{Payment, PaymentState, Refund, RefundPayment};
use http::Method;
use serde_json::json;
use testkit::{Engine, on_both_engines};

const PAYMENTS: &str = "/api/v1/payments";

async fn nobody_sees_anothers_payment(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Sandbox).await else { return };
    let (ada, eve, staff) = (bench.person(Role::User), bench.person(Role::Vendor), bench.person(Role::Admin));
    let id = CheckoutId::new();
    bench.peer().authorize(id, &bench.asks_for(ada.id, Card::Careful)).await.unwrap();
    let own: Payment = ada.client.get(&format!("{PAYMENTS}/{id}")).await.expect(200).data();
    assert!(own.next_action.is_some());
    let seen: Payment = staff.client.get(&format!("{PAYMENTS}/{id}")).await.expect(200).data();
    assert_eq!(seen.next_action, None, "only who pays gets to know what to do");
    for path in [format!("{PAYMENTS}/{id}"), format!("{PAYMENTS}/{id}/refunds")] {
        eve.client.get(&path).await.expect(404).refused(ErrorCode::NotFound);
        bench.service.client().get(&path).await.expect(401);
        staff.client.get(&path).await.expect(200);
    }
    let confirm = format!("{PAYMENTS}/{id}/confirm");
    for other in [&eve, &staff] {
        other.client.post(&confirm, json!({})).await.expect(404);
    }
    assert_eq!(bench.peer().payment(id).await.unwrap().state, PaymentState::RequiresAction);
    let all: Vec<Payment> = eve.client.get(PAYMENTS).await.expect(200).data();
    assert!(all.is_empty());
    let asks_for_ada = format!("{PAYMENTS}?user={}", ada.id);
    let all: Vec<Payment> = eve.client.get(&asks_for_ada).await.expect(200).data();
    assert!(all.is_empty(), "the filter widens nothing");
    let all: Vec<Payment> = staff.client.get(&asks_for_ada).await.expect(200).data();
    assert_eq!(all.len(), 1);
}

async fn payments_are_listed_page_by_page(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Sandbox).await else { return };
    let ada = bench.person(Role::User);
    let mut ids = Vec::new();
    for card in [Card::Good, Card::Declined, Card::Good] {
        let id = CheckoutId::new();
        bench.peer().authorize(id, &bench.asks_for(ada.id, card)).await.unwrap();
        ids.push(id);
        bench.pass(1);
    }
    ids.reverse();
    let (mut seen, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = ada.client.get(&format!("{PAYMENTS}{query}")).await.expect(200);
        seen.extend(page.data::<Vec<Payment>>().into_iter().map(|payment| payment.id));
        let Some(cursor) = page.json()["pagination"]["cursor"].as_str().map(str::to_owned) else { break };
        query = format!("?limit=2&cursor={cursor}");
    }
    assert_eq!(seen, ids);
    let failed: Vec<Payment> = ada.client.get(&format!("{PAYMENTS}?state=FAILED")).await.expect(200).data();
    assert_eq!(failed.iter().map(|payment| payment.id).collect::<Vec<_>>(), [ids[1]]);
    let order = failed[0].order;
    let of_order: Vec<Payment> =
        ada.client.get(&format!("{PAYMENTS}?order={order}")).await.expect(200).data();
    assert_eq!(of_order, failed);
    ada.client.get(&format!("{PAYMENTS}?cursor=x")).await.expect(400);
    let first = bench.peer().payments(None, 2).await.unwrap();
    let rest = bench.peer().payments(Some(first[1].id), 1_000).await.unwrap();
    assert_eq!((first.len(), rest.len()), (2, 1));
}

async fn refunds_are_shown_to_who_paid(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Sandbox).await else { return };
    let (ada, id, refund) = (bench.person(Role::User), CheckoutId::new(), RefundId::new());
    bench.peer().authorize(id, &bench.asks_for(ada.id, Card::Good)).await.unwrap();
    bench.peer().capture(id).await.unwrap();
    let asked = RefundPayment { amount: crate::support::eur(100), reason: "scratched".to_owned() };
    bench.peer().refund(id, refund, &asked).await.unwrap();
    let shown: Vec<Refund> = ada.client.get(&format!("{PAYMENTS}/{id}/refunds")).await.expect(200).data();
    assert_eq!(shown.iter().map(|one| one.id).collect::<Vec<_>>(), [refund]);
}

async fn a_confirmation_with_a_key_is_answered_again(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Sandbox).await else { return };
    let (ada, id) = (bench.person(Role::User), CheckoutId::new());
    bench.peer().authorize(id, &bench.asks_for(ada.id, Card::Careful)).await.unwrap();
    let path = format!("{PAYMENTS}/{id}/confirm");
    let mut answers = Vec::new();
    for _ in 0..2 {
        let ask = ada.client.request(Method::POST, &path).header("idempotency-key", "once");
        answers.push(ask.json(json!({})).send().await.expect(200).data::<Payment>());
        bench.peer().capture(id).await.unwrap();
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0].state, PaymentState::Authorized);
}

async fn the_inside_is_for_services_only(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Sandbox).await else { return };
    let (id, staff) = (CheckoutId::new(), bench.person(Role::Admin));
    for client in [&bench.service.client(), &staff.client] {
        let asked = bench.asks(Card::Good);
        let path = format!("/internal/v1/payments/{id}");
        client.put(&format!("{path}/authorized"), &asked).await.expect(404);
        client.put(&format!("{path}/captured"), json!({})).await.expect(404);
        client.put(&format!("{path}/voided"), json!({})).await.expect(404);
        client.get("/internal/v1/payments?limit=1").await.expect(404);
    }
    assert_eq!(refused(bench.peer().payment(id).await), ErrorCode::NotFound);
}

async fn a_token_is_forgotten_as_soon_as_the_answer_is_known(engine: Engine) {
    let Some(bench) = Bench::start_with(impatient(), engine, Kind::Sandbox).await else { return };
    let db = bench.service.db("payments");
    for (card, kept) in [(Card::Good, false), (Card::Declined, false), (Card::Slow, true)] {
        let id = bench.begun(card).await.id;
        let sql = "SELECT COUNT(*) FROM payment WHERE id = $1 AND method IS NOT NULL";
        let count: i64 = q!(db.read, scalar, sql, id.uuid()).unwrap();
        assert_eq!(count == 1, kept, "{card:?}");
    }
}

on_both_engines!(
    nobody_sees_anothers_payment,
    payments_are_listed_page_by_page,
    refunds_are_shown_to_who_paid,
    a_confirmation_with_a_key_is_answered_again,
    the_inside_is_for_services_only,
    a_token_is_forgotten_as_soon_as_the_answer_is_known,
);

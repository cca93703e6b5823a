//! What is particular about Stripe.

use crate::stripe_double::Fault;
use crate::support::{Bench, Card, Kind, eur, impatient};
use contract::ids::{CheckoutId, RefundId};
use contract::payments::{Authorize, MethodToken, PaymentState, RefundPayment, RefundState};
use testkit::{Engine, eventually};

async fn bench() -> Bench {
    Bench::start_with(impatient(), Engine::Sqlite, Kind::Stripe).await.unwrap()
}

fn with(bench: &Bench, token: &str) -> Authorize {
    Authorize { method: MethodToken(token.to_owned()), ..bench.asks(Card::Good) }
}

#[tokio::test]
async fn every_change_is_asked_for_under_a_key_of_the_payment() {
    let bench = bench().await;
    let taken = bench.captured().await;
    let refund = RefundId::new();
    let part = RefundPayment { amount: eur(1), reason: String::new() };
    bench.peer().refund(taken.id, refund, &part).await.unwrap();
    let asked = bench.stripe.asked();
    let posts: Vec<&String> = asked.iter().filter(|line| line.starts_with("POST")).collect();
    let (reference, ..) = bench.stripe.charges(&taken.id.to_string())[0].clone();
    assert_eq!(posts[0], &format!("POST /v1/payment_intents {}:authorize:0", taken.id));
    assert_eq!(posts[1], &format!("POST /v1/payment_intents/{reference}/capture {}:capture:0", taken.id));
    assert_eq!(posts[2], &format!("POST /v1/refunds {refund}:refund:0"));
    assert_eq!(posts.len(), 3);
}

/// Stripe answers the same 500 under the same key for a day.
#[tokio::test]
async fn a_failure_that_is_kept_under_its_key_is_looked_up_and_asked_for_under_another() {
    let bench = bench().await;
    for (operation, fault) in [
        ("create", Fault::BrokenAfter),
        ("create", Fault::Broken),
        ("create", Fault::Busy),
        ("capture", Fault::Broken),
        ("capture", Fault::BrokenAfter),
    ] {
        bench.stripe.fail(operation, fault);
        let begun = bench.begun(Card::Good).await;
        bench.comes_to(begun.id, PaymentState::Authorized).await;
        bench.peer().capture(begun.id).await.unwrap();
        bench.comes_to(begun.id, PaymentState::Captured).await;
        let charges = bench.charges(begun.id).await;
        assert_eq!(charges, [("captured".to_owned(), 4_999, 0)], "{operation} {fault:?}");
    }
    bench.audit().await;
}

#[tokio::test]
async fn a_refund_that_is_kept_as_failed_is_given_once() {
    let bench = bench().await;
    for fault in [Fault::Silent, Fault::Broken, Fault::BrokenAfter, Fault::Busy] {
        let taken = bench.captured().await;
        bench.stripe.fail("refund", fault);
        let part = RefundPayment { amount: eur(1_000), reason: String::new() };
        let refund = RefundId::new();
        bench.peer().refund(taken.id, refund, &part).await.unwrap();
        let back = bench.comes_to(taken.id, PaymentState::PartiallyRefunded).await;
        assert_eq!(back.refunded, eur(1_000));
        let again = bench.peer().refund(taken.id, refund, &part).await.unwrap();
        assert_eq!(again.state, RefundState::Succeeded);
        assert_eq!(bench.charges(taken.id).await, [("captured".to_owned(), 4_999, 1_000)], "{fault:?}");
    }
    bench.audit().await;
}

#[tokio::test]
async fn a_refund_on_its_way_is_pending_until_it_arrives() {
    let bench = bench().await;
    for by_webhook in [true, false] {
        let id = CheckoutId::new();
        bench.peer().authorize(id, &with(&bench, "pm_card_pendingRefund")).await.unwrap();
        bench.peer().capture(id).await.unwrap();
        let part = RefundPayment { amount: eur(4_999), reason: String::new() };
        let refund = bench.peer().refund(id, RefundId::new(), &part).await.unwrap();
        assert_eq!(refund.state, RefundState::Pending);
        assert_eq!(bench.peer().payment(id).await.unwrap().state, PaymentState::Captured);
        bench.stripe.settle_refunds();
        if by_webhook {
            bench.bring_webhooks(2).await;
            assert_eq!(bench.peer().payment(id).await.unwrap().state, PaymentState::Refunded);
        } else {
            bench.stripe.events();
            bench.comes_to(id, PaymentState::Refunded).await;
        }
    }
    bench.audit().await;
}

/// The webhook of its creation says that a PaymentIntent has no payment method yet, as one says whose card was declined.
#[tokio::test]
async fn the_webhook_of_a_creation_fails_no_payment() {
    let bench = bench().await;
    let slow = bench.begun(Card::Slow).await;
    assert_eq!(slow.state, PaymentState::Pending);
    bench.bring_webhooks(2).await;
    assert_eq!(bench.peer().payment(slow.id).await.unwrap().state, PaymentState::Pending);
    bench.ripens(slow.id).await;
    assert_eq!(bench.peer().payment(slow.id).await.unwrap().state, PaymentState::Authorized);
}

#[tokio::test]
async fn every_webhook_in_the_wrong_order_and_twice_ends_the_same() {
    let bench = bench().await;
    let taken = bench.captured().await;
    let let_go = bench.authorized().await;
    bench.peer().void(let_go.id).await.unwrap();
    let mut events = bench.stripe.events();
    events.reverse();
    for event in events.iter().chain(&events.clone()) {
        bench.webhook(&event.to_string()).await.expect(204);
    }
    // A late one of a payment that was let go makes us look, and nothing else.
    eventually(|| async {
        bench.pass(1);
        let open = bench.count("SELECT COUNT(*) FROM payment WHERE wish IS NOT NULL").await;
        if open == 0 { Ok(()) } else { Err(open) }
    })
    .await;
    assert_eq!(bench.peer().payment(taken.id).await.unwrap(), taken);
    assert_eq!(bench.peer().payment(let_go.id).await.unwrap().state, PaymentState::Voided);
    bench.audit().await;
}

#[tokio::test]
async fn webhooks_about_what_is_not_ours_are_taken_and_passed_over() {
    let bench = bench().await;
    let foreign = r#"{"id":"evt_x","type":"payment_intent.succeeded","data":{"object":{"object":"payment_intent",
        "id":"pi_foreign","amount":5,"currency":"eur","status":"succeeded","created":1,"metadata":{}}}}"#;
    bench.webhook(foreign).await.expect(204);
    bench
        .webhook(r#"{"id":"evt_y","type":"customer.created","data":{"object":{"object":"customer"}}}"#)
        .await
        .expect(204);
    assert_eq!(bench.count("SELECT COUNT(*) FROM payment").await, 0);
}

/// A day later Stripe has forgotten the key, and the same request would charge again.
#[tokio::test]
async fn a_request_whose_key_may_be_forgotten_is_not_sent_again() {
    let bench = bench().await;
    let lost = bench.begun(Card::Silent).await;
    assert_eq!(lost.state, PaymentState::Pending);
    let before = bench.stripe.asked().iter().filter(|line| line.contains("authorize")).count();
    bench.service.clock().advance(std::time::Duration::from_secs(21 * 3_600));
    let sql = "SELECT COUNT(*) FROM payment WHERE state = 'AUTHORIZED'";
    eventually(|| async {
        bench.pass(1);
        let found = bench.count(sql).await;
        if found == 1 { Ok(()) } else { Err(found) }
    })
    .await;
    let after = bench.stripe.asked().iter().filter(|line| line.contains("authorize")).count();
    assert_eq!(before, after);
    assert_eq!(bench.charges(lost.id).await.len(), 1);
}

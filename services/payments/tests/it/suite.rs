//! What holds whoever the provider is.

use crate::fake_orders::{heard, heard_data};
use crate::support::{Bench, Card, Kind, eur, impatient, on_every_provider, refused};
use contract::ErrorCode;
use contract::ids::{CheckoutId, OrderId, RefundId};
use contract::payments::{Authorize, PaymentState, Refund, RefundPayment, RefundState};
use std::time::Instant;
use testkit::{Engine, eventually};

fn part(cents: i64) -> RefundPayment {
    RefundPayment { amount: eur(cents), reason: "broken".to_owned() }
}

/// Waits until exactly these events were heard of a payment, in whatever order their subscriptions bring them.
async fn hears(id: CheckoutId, kinds: &[&str]) {
    let mut wanted = kinds.to_vec();
    wanted.sort_unstable();
    eventually(|| async {
        let mut came = heard(id);
        came.sort_unstable();
        if came == wanted { Ok(()) } else { Err(came) }
    })
    .await;
}

/// Whether an event says that a call was answered with it.
fn is_answered(id: CheckoutId, kind: &str) -> bool {
    heard_data(id, kind)[0]["answered"] == true
}

async fn a_payment_is_kept_taken_and_given_back_in_parts(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    // Nobody else asks the provider meanwhile: the books were compared, and will be in a minute.
    eventually(|| async {
        let compared = "SELECT COUNT(*) FROM job WHERE name = 'reconcile' AND status = 'waiting' AND last_outcome = 'done'";
        if bench.count(compared).await == 1 { Ok(()) } else { Err("the books are being compared") }
    })
    .await;
    let (peer, id, asked) = (bench.peer(), CheckoutId::new(), bench.asks(Card::Good));
    let kept = peer.authorize(id, &asked).await.unwrap();
    assert_eq!((kept.state, kept.id, kept.order), (PaymentState::Authorized, id, asked.order));
    assert_eq!(peer.authorize(id, &asked).await.unwrap(), kept, "the same again is the same");
    let taken = peer.capture(id).await.unwrap();
    assert_eq!((taken.state, taken.amount, taken.refunded), (PaymentState::Captured, eur(4_999), eur(0)));
    assert_eq!(peer.capture(id).await.unwrap(), taken);
    assert_eq!(refused(peer.void(id).await), ErrorCode::InvalidTransition);
    let first = RefundId::new();
    let refund = peer.refund(id, first, &part(2_000)).await.unwrap();
    assert_eq!((refund.state, refund.amount), (RefundState::Succeeded, eur(2_000)));
    assert_eq!(peer.refund(id, first, &part(2_000)).await.unwrap(), refund);
    assert_eq!(refused(peer.refund(id, first, &part(1)).await), ErrorCode::Conflict);
    assert_eq!(refused(peer.refund(id, RefundId::new(), &part(3_000)).await), ErrorCode::RefundTooLarge);
    assert_eq!(refused(peer.refund(id, RefundId::new(), &part(0)).await), ErrorCode::Validation);
    let partly = peer.payment(id).await.unwrap();
    assert_eq!((partly.state, partly.refunded), (PaymentState::PartiallyRefunded, eur(2_000)));
    peer.refund(id, RefundId::new(), &part(2_999)).await.unwrap();
    let whole = peer.payment(id).await.unwrap();
    assert_eq!((whole.state, whole.refunded), (PaymentState::Refunded, eur(4_999)));
    assert_eq!(bench.charges(id).await, [("captured".to_owned(), 4_999, 4_999)]);
    hears(id, &["payment.authorized", "payment.captured", "payment.refunded", "payment.refunded"]).await;
    let sums = heard_data(id, "payment.refunded");
    assert_eq!(
        sums.iter().map(|data| data["refunded"]["amount"].clone()).collect::<Vec<_>>(),
        [2_000, 4_999]
    );
    assert!(is_answered(id, "payment.authorized") && is_answered(id, "payment.captured"));
    bench.audit().await;
}

async fn a_card_that_is_declined_fails_with_a_reason_for_the_buyer(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    for (card, why) in [(Card::Declined, "declined"), (Card::Poor, "insufficient funds")] {
        let failed = bench.begun(card).await;
        assert_eq!(failed.state, PaymentState::Failed);
        assert!(failed.failure.as_ref().unwrap().contains(why), "{failed:?}");
        assert_eq!(refused(bench.peer().capture(failed.id).await), ErrorCode::InvalidTransition);
        assert_eq!(bench.peer().void(failed.id).await.unwrap().state, PaymentState::Failed);
        hears(failed.id, &["payment.failed"]).await;
    }
    let unknown = Authorize {
        method: contract::payments::MethodToken("pm_unknown".to_owned()),
        ..bench.asks(Card::Good)
    };
    let failed = bench.peer().authorize(CheckoutId::new(), &unknown).await.unwrap();
    assert_eq!(failed.state, PaymentState::Failed);
    assert!(!failed.failure.unwrap().contains("pm_unknown"), "no answer repeats a token");
    bench.audit().await;
}

async fn a_payment_is_let_go_and_cannot_be_taken_then(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.authorized().await;
    assert_eq!(bench.peer().void(kept.id).await.unwrap().state, PaymentState::Voided);
    assert_eq!(bench.peer().void(kept.id).await.unwrap().state, PaymentState::Voided);
    assert_eq!(refused(bench.peer().capture(kept.id).await), ErrorCode::InvalidTransition);
    assert_eq!(
        refused(bench.peer().refund(kept.id, RefundId::new(), &part(1)).await),
        ErrorCode::InvalidTransition
    );
    assert_eq!(bench.charges(kept.id).await, [("canceled".to_owned(), 0, 0)]);
    hears(kept.id, &["payment.authorized", "payment.voided"]).await;
    bench.audit().await;
}

async fn a_payment_that_was_let_go_before_it_was_begun_is_never_begun(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let id = CheckoutId::new();
    assert_eq!(bench.peer().void(id).await.unwrap().state, PaymentState::Voided);
    let late = bench.peer().authorize(id, &bench.asks(Card::Good)).await;
    assert_eq!(refused(late), ErrorCode::InvalidTransition);
    assert!(bench.charges(id).await.is_empty());
    bench.audit().await;
}

async fn a_checkout_is_paid_once_and_not_with_another_amount(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let (id, asked) = (CheckoutId::new(), bench.asks(Card::Good));
    bench.peer().authorize(id, &asked).await.unwrap();
    let other =
        [Authorize { amount: eur(1), ..asked.clone() }, Authorize { order: OrderId::new(), ..asked.clone() }];
    for other in other {
        assert_eq!(refused(bench.peer().authorize(id, &other).await), ErrorCode::Conflict);
    }
    assert_eq!(bench.charges(id).await.len(), 1);
}

async fn a_buyer_who_has_to_prove_something_goes_on_afterwards(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let buyer = bench.person(contract::identity::Role::User);
    let id = CheckoutId::new();
    let asks = bench.peer().authorize(id, &bench.asks_for(buyer.id, Card::Careful)).await.unwrap();
    assert_eq!(asks.state, PaymentState::RequiresAction);
    assert!(asks.next_action.unwrap().url.is_some());
    hears(id, &["payment.action_required"]).await;
    bench.proves(id);
    let path = format!("/api/v1/payments/{id}/confirm");
    let shown: contract::payments::Payment =
        buyer.client.post(&path, serde_json::json!({})).await.expect(200).data();
    assert_eq!((shown.state, shown.next_action), (PaymentState::Authorized, None));
    buyer.client.post(&path, serde_json::json!({})).await.expect(200);
    assert_eq!(bench.peer().capture(id).await.unwrap().state, PaymentState::Captured);
    hears(id, &["payment.action_required", "payment.authorized", "payment.captured"]).await;
    assert!(!is_answered(id, "payment.authorized"), "the checkout waits for this event");
    bench.audit().await;
}

async fn a_charge_whose_answer_is_lost_is_found_and_not_made_again(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start_with(impatient(), engine, kind).await else { return };
    let (began, lost) = (Instant::now(), bench.begun(Card::Silent).await);
    assert_eq!(lost.state, PaymentState::Pending, "the truth, and not a failure");
    assert!(began.elapsed().as_secs() < 5, "whoever asks does not wait for ever");
    bench.comes_to(lost.id, PaymentState::Authorized).await;
    assert_eq!(bench.charges(lost.id).await, [("authorized".to_owned(), 0, 0)]);
    assert_eq!(bench.peer().capture(lost.id).await.unwrap().state, PaymentState::Captured);
    hears(lost.id, &["payment.authorized", "payment.captured"]).await;
    assert!(!is_answered(lost.id, "payment.authorized"), "the answer said that it was pending");
    bench.audit().await;
}

async fn a_capture_whose_answer_is_lost_takes_the_amount_once(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start_with(impatient(), engine, kind).await else { return };
    let kept = bench.begun(Card::SilentCapture).await;
    let lost = bench.peer().capture(kept.id).await.unwrap();
    assert_eq!(lost.state, PaymentState::Authorized, "the truth, and not a failure");
    assert_eq!(refused(bench.peer().void(kept.id).await), ErrorCode::InvalidTransition);
    bench.comes_to(kept.id, PaymentState::Captured).await;
    assert_eq!(bench.charges(kept.id).await, [("captured".to_owned(), 4_999, 0)]);
    hears(kept.id, &["payment.authorized", "payment.captured"]).await;
    assert!(!is_answered(kept.id, "payment.captured"), "the answer said that it was not taken yet");
    bench.audit().await;
}

async fn a_provider_that_fails_once_is_asked_again_and_charges_once(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let broken = bench.begun(Card::Broken).await;
    let done = match broken.state {
        PaymentState::Pending => bench.comes_to(broken.id, PaymentState::Authorized).await,
        _ => broken,
    };
    assert_eq!(done.state, PaymentState::Authorized);
    assert_eq!(bench.charges(done.id).await, [("authorized".to_owned(), 0, 0)]);
    bench.audit().await;
}

async fn a_slow_card_is_pending_until_its_webhook_comes(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start_with(impatient(), engine, kind).await else { return };
    let slow = bench.begun(Card::Slow).await;
    assert_eq!(slow.state, PaymentState::Pending);
    bench.ripens(slow.id).await;
    bench.comes_to(slow.id, PaymentState::Authorized).await;
    hears(slow.id, &["payment.authorized"]).await;
    assert!(!is_answered(slow.id, "payment.authorized"), "only the webhook said so");
    bench.audit().await;
}

async fn a_payment_that_is_let_go_while_nobody_knows_ends_let_go(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start_with(impatient(), engine, kind).await else { return };
    for card in [Card::Silent, Card::Slow] {
        let lost = bench.begun(card).await;
        assert_eq!(lost.state, PaymentState::Pending);
        bench.peer().void(lost.id).await.unwrap();
        bench.comes_to(lost.id, PaymentState::Voided).await;
        assert_eq!(bench.charges(lost.id).await, [("canceled".to_owned(), 0, 0)]);
        // It may have been found in between; it ends let go.
        eventually(|| async {
            let came = heard(lost.id);
            if came.contains(&"payment.voided") { Ok(()) } else { Err(came) }
        })
        .await;
        assert!(!heard(lost.id).contains(&"payment.captured"));
    }
    bench.audit().await;
}

async fn a_refund_that_the_card_does_not_take_leaves_the_amount(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.begun(Card::KeepsIt).await;
    bench.peer().capture(kept.id).await.unwrap();
    let failed = bench.peer().refund(kept.id, RefundId::new(), &part(4_999)).await.unwrap();
    assert_eq!(failed.state, RefundState::Failed);
    let left = bench.peer().payment(kept.id).await.unwrap();
    assert_eq!((left.state, left.refunded), (PaymentState::Captured, eur(0)));
    hears(kept.id, &["payment.authorized", "payment.captured"]).await;
    bench.audit().await;
}

async fn refunds_at_once_never_give_back_more_than_was_taken(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let taken = bench.captured().await;
    let tries = (0..12).map(|_| {
        let peer = bench.peer();
        async move { peer.refund(taken.id, RefundId::new(), &part(1_000)).await }
    });
    let outcomes = futures_util::future::join_all(tries).await;
    let done: Vec<Refund> = outcomes.into_iter().filter_map(Result::ok).collect();
    assert_eq!(done.len(), 4, "{done:?}");
    eventually(|| async {
        bench.pass(1);
        let now = bench.peer().payment(taken.id).await.unwrap();
        if now.refunded == eur(4_000) { Ok(()) } else { Err(now) }
    })
    .await;
    assert_eq!(bench.charges(taken.id).await, [("captured".to_owned(), 4_999, 4_000)]);
    bench.audit().await;
}

async fn a_payment_with_nothing_left_gives_nothing_back_and_asks_no_provider(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let taken = bench.captured().await;
    bench.peer().refund(taken.id, RefundId::new(), &part(4_999)).await.unwrap();
    let asked = bench.stripe.asked();
    for cents in [1, 4_999] {
        let refused = refused(bench.peer().refund(taken.id, RefundId::new(), &part(cents)).await);
        assert_eq!(refused, ErrorCode::RefundTooLarge);
    }
    assert_eq!(bench.stripe.asked(), asked);
    assert_eq!(bench.count("SELECT COUNT(*) FROM sandbox_refund").await, i64::from(kind == Kind::Sandbox));
    assert_eq!(bench.count("SELECT COUNT(*) FROM refund").await, 1);
    assert_eq!(bench.charges(taken.id).await, [("captured".to_owned(), 4_999, 4_999)]);
    bench.audit().await;
}

async fn a_payment_of_nothing_asks_no_provider(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let (id, free) = (CheckoutId::new(), Authorize { amount: eur(0), ..bench.asks(Card::Good) });
    assert_eq!(bench.peer().authorize(id, &free).await.unwrap().state, PaymentState::Authorized);
    assert_eq!(bench.peer().capture(id).await.unwrap().state, PaymentState::Captured);
    bench.peer().refund(id, RefundId::new(), &part(0)).await.unwrap();
    assert_eq!(bench.peer().payment(id).await.unwrap().state, PaymentState::Refunded);
    assert!(bench.charges(id).await.is_empty());
    bench.audit().await;
}

on_every_provider!(
    a_payment_is_kept_taken_and_given_back_in_parts,
    a_card_that_is_declined_fails_with_a_reason_for_the_buyer,
    a_payment_is_let_go_and_cannot_be_taken_then,
    a_payment_that_was_let_go_before_it_was_begun_is_never_begun,
    a_checkout_is_paid_once_and_not_with_another_amount,
    a_buyer_who_has_to_prove_something_goes_on_afterwards,
    a_charge_whose_answer_is_lost_is_found_and_not_made_again,
    a_capture_whose_answer_is_lost_takes_the_amount_once,
    a_provider_that_fails_once_is_asked_again_and_charges_once,
    a_slow_card_is_pending_until_its_webhook_comes,
    a_payment_that_is_let_go_while_nobody_knows_ends_let_go,
    a_refund_that_the_card_does_not_take_leaves_the_amount,
    refunds_at_once_never_give_back_more_than_was_taken,
    a_payment_with_nothing_left_gives_nothing_back_and_asks_no_provider,
    a_payment_of_nothing_asks_no_provider,
);

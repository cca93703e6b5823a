//! What holds whoever the provider is.

use crate::support::{Bench, Card, Kind, eur};
use contract::ErrorCode;
use contract::client::CallError;
use contract::ids::{CheckoutId, RefundId};
use contract::payments::{PaymentState, RefundPayment, RefundState};
use testkit::Engine;

fn refused<T: std::fmt::Debug>(outcome: Result<T, CallError>) -> ErrorCode {
    match outcome {
        Err(CallError::Refused(detail)) => detail.code,
        other => panic!("not refused: {other:?}"),
    }
}

async fn a_payment_is_kept_taken_and_given_back_in_parts(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let (peer, id, asked) = (bench.peer(), CheckoutId::new(), bench.asks(Card::Good));
    let kept = peer.authorize(id, &asked).await.unwrap();
    assert_eq!((kept.state, kept.id, kept.order), (PaymentState::Authorized, id, asked.order));
    assert_eq!(peer.authorize(id, &asked).await.unwrap(), kept, "the same again is the same");
    let taken = peer.capture(id).await.unwrap();
    assert_eq!((taken.state, taken.amount, taken.refunded), (PaymentState::Captured, eur(4_999), eur(0)));
    assert_eq!(peer.capture(id).await.unwrap(), taken);
    assert_eq!(refused(peer.void(id).await), ErrorCode::InvalidTransition);
    let part = |cents| RefundPayment { amount: eur(cents), reason: "broken".to_owned() };
    let first = RefundId::new();
    let refund = peer.refund(id, first, &part(2_000)).await.unwrap();
    assert_eq!((refund.state, refund.amount), (RefundState::Succeeded, eur(2_000)));
    assert_eq!(peer.refund(id, first, &part(2_000)).await.unwrap(), refund);
    assert_eq!(refused(peer.refund(id, first, &part(1)).await), ErrorCode::Conflict);
    assert_eq!(refused(peer.refund(id, RefundId::new(), &part(3_000)).await), ErrorCode::RefundTooLarge);
    let partly = peer.payment(id).await.unwrap();
    assert_eq!((partly.state, partly.refunded), (PaymentState::PartiallyRefunded, eur(2_000)));
    peer.refund(id, RefundId::new(), &part(2_999)).await.unwrap();
    let whole = peer.payment(id).await.unwrap();
    assert_eq!((whole.state, whole.refunded), (PaymentState::Refunded, eur(4_999)));
}

async fn a_card_that_is_declined_fails_with_a_reason_for_the_buyer(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    for (card, why) in [(Card::Declined, "declined"), (Card::Poor, "insufficient funds")] {
        let (id, asked) = (CheckoutId::new(), bench.asks(card));
        let failed = bench.peer().authorize(id, &asked).await.unwrap();
        assert_eq!(failed.state, PaymentState::Failed);
        assert!(failed.failure.as_ref().unwrap().contains(why), "{failed:?}");
        assert_eq!(refused(bench.peer().capture(id).await), ErrorCode::InvalidTransition);
        assert_eq!(bench.peer().void(id).await.unwrap().state, PaymentState::Failed);
    }
}

async fn a_payment_is_let_go_and_cannot_be_taken_then(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.authorized().await;
    assert_eq!(bench.peer().void(kept.id).await.unwrap().state, PaymentState::Voided);
    assert_eq!(bench.peer().void(kept.id).await.unwrap().state, PaymentState::Voided);
    assert_eq!(refused(bench.peer().capture(kept.id).await), ErrorCode::InvalidTransition);
}

async fn a_payment_that_was_let_go_before_it_was_begun_is_never_begun(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let id = CheckoutId::new();
    assert_eq!(bench.peer().void(id).await.unwrap().state, PaymentState::Voided);
    let late = bench.peer().authorize(id, &bench.asks(Card::Good)).await;
    assert_eq!(refused(late), ErrorCode::InvalidTransition);
}

/// Makes a test of each function for each engine and provider.
macro_rules! on_every_provider {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use super::{Engine, Kind};

            #[tokio::test]
            async fn sandbox_on_sqlite() {
                super::$name(Engine::Sqlite, Kind::Sandbox).await;
            }

            #[tokio::test]
            async fn sandbox_on_postgres() {
                super::$name(Engine::Postgres, Kind::Sandbox).await;
            }
        }
    )+};
}

on_every_provider!(
    a_payment_is_kept_taken_and_given_back_in_parts,
    a_card_that_is_declined_fails_with_a_reason_for_the_buyer,
    a_payment_is_let_go_and_cannot_be_taken_then,
    a_payment_that_was_let_go_before_it_was_begun_is_never_begun,
);

//! Two things at once: one of them happens, and both sides agree on which.

use crate::support::{Bench, Card, Kind, on_every_provider};
use contract::ids::CheckoutId;
use contract::payments::PaymentState;
use futures_util::future::join_all;
use testkit::Engine;

async fn a_checkout_that_is_begun_many_times_at_once_is_charged_once(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let (id, asked) = (CheckoutId::new(), bench.asks(Card::Good));
    let tries = (0..10).map(|_| {
        let (peer, asked) = (bench.peer(), asked.clone());
        async move { peer.authorize(id, &asked).await.unwrap().state }
    });
    let states = join_all(tries).await;
    assert!(states.iter().all(|state| *state == PaymentState::Authorized), "{states:?}");
    assert_eq!(bench.charges(id).await.len(), 1);
    bench.audit().await;
}

async fn of_capture_and_void_at_once_one_wins_on_both_sides(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    for _ in 0..8 {
        let kept = bench.authorized().await;
        let (taker, letter) = (bench.peer(), bench.peer());
        let (taken, let_go) = tokio::join!(taker.capture(kept.id), letter.void(kept.id));
        assert!(taken.is_ok() != let_go.is_ok(), "{taken:?} {let_go:?}");
        let (state, charge) = match taken.is_ok() {
            true => (PaymentState::Captured, "captured"),
            false => (PaymentState::Voided, "canceled"),
        };
        assert_eq!(bench.comes_to(kept.id, state).await.state, state);
        assert_eq!(bench.charges(kept.id).await[0].0, charge);
    }
    bench.audit().await;
}

async fn a_payment_that_is_let_go_while_it_is_begun_keeps_no_money(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    for _ in 0..8 {
        let (id, asked) = (CheckoutId::new(), bench.asks(Card::Good));
        let (beginner, letter) = (bench.peer(), bench.peer());
        let (_, let_go) = tokio::join!(beginner.authorize(id, &asked), letter.void(id));
        let_go.unwrap();
        bench.comes_to(id, PaymentState::Voided).await;
        let kept = bench.charges(id).await.into_iter().filter(|(state, ..)| state != "canceled").count();
        assert_eq!(kept, 0);
    }
    bench.audit().await;
}

on_every_provider!(
    a_checkout_that_is_begun_many_times_at_once_is_charged_once,
    of_capture_and_void_at_once_one_wins_on_both_sides,
    a_payment_that_is_let_go_while_it_is_begun_keeps_no_money,
);

//! Whatever is done to orders, by whomever and in whatever order: what is shown is what their events say, nothing happens that
//! the table does not allow, and no more is given back than was taken.

use crate::bench::{Bench, Person};
use crate::town::eur;
use chassis::event_store::{Aggregate as _, EventStore, StreamId};
use contract::money::Money;
use contract::orders::{Order, OrderStatus, RefundOrder};
use contract::payments::PaymentState;
use orders::domain::events::OrderEvent;
use orders::domain::order;
use orders::domain::transition::{Action, Actor, TABLE, after};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;
use testkit::{Engine, on_both_engines};

/// Orders that live through something.
const LIVES: u32 = 8;

#[derive(Debug, Clone, Copy)]
enum Deed {
    Pay(&'static str),
    Cancel,
    Process,
    Ship,
    Deliver,
    /// So much of what is left, asked for so often at once.
    Refund(i64, usize),
}

/// Who buys with which card how much, and what is done then.
type Life = (&'static str, u32, Vec<(Actor, Deed)>);

fn lives() -> impl Strategy<Value = Life> {
    let card = || prop_oneof![4 => Just("pm_card_visa"), 1 => Just("pm_card_declined")];
    let deed = prop_oneof![
        2 => card().prop_map(Deed::Pay),
        1 => Just(Deed::Cancel),
        4 => Just(Deed::Process),
        4 => Just(Deed::Ship),
        3 => Just(Deed::Deliver),
        4 => (prop_oneof![1_i64..=120, Just(50), Just(100)], 1_usize..=3)
            .prop_map(|(percent, times)| Deed::Refund(percent, times)),
    ];
    let who = prop_oneof![1 => Just(Actor::Buyer), 4 => Just(Actor::Staff)];
    (card(), 1_u32..=4, prop::collection::vec((who, deed), 6..=20))
}

impl Deed {
    /// What is asked of the platform, as often as this is done.
    fn asks(self, before: &Order) -> Vec<(&'static str, serde_json::Value)> {
        let reason = "one of many";
        match self {
            Self::Pay(card) => vec![("retry", json!({"paymentMethod": card}))],
            Self::Cancel => vec![("cancel", json!({"reason": reason}))],
            Self::Process => vec![("process", json!({}))],
            Self::Ship => vec![("ship", json!({"carrier": "DHL", "trackingNumber": "0034"}))],
            Self::Deliver => vec![("deliver", json!({}))],
            Self::Refund(percent, times) => {
                let amount = Some(part(before, percent));
                let body = json!(RefundOrder { amount, restock: vec![], reason: reason.to_owned() });
                vec![("refunds", body); times]
            }
        }
    }

    /// What is answered, and where the order stands then.
    fn expected(self, who: Actor, before: &Order) -> (Vec<u16>, OrderStatus) {
        let staff_only = !matches!(self, Self::Pay(_) | Self::Cancel) && who == Actor::Buyer;
        let times = self.asks(before).len();
        if staff_only || matches!((self, who), (Self::Pay(_), Actor::Staff)) {
            return (vec![if staff_only { 403 } else { 404 }; times], before.status);
        }
        let once = |action| match after(before.status, action, who) {
            Ok(next) => (vec![200], next),
            Err(_) => (vec![409], before.status),
        };
        match self {
            Self::Cancel => once(Action::Cancel),
            Self::Process => once(Action::Process),
            Self::Ship => once(Action::Ship),
            Self::Deliver => once(Action::Deliver),
            Self::Pay(card) => match once(Action::Retry) {
                (answers, OrderStatus::Pending) => {
                    let declined = card == "pm_card_declined";
                    (answers, if declined { OrderStatus::Failed } else { OrderStatus::Confirmed })
                }
                refused => refused,
            },
            Self::Refund(percent, _) => {
                let (mut left, mut status, amount) = (left(before), before.status, part(before, percent));
                let mut answers = Vec::new();
                for _ in 0..times {
                    let action = if amount.amount == left { Action::RefundAll } else { Action::RefundSome };
                    let next = after(status, action, who).ok().filter(|_| amount.amount <= left);
                    answers.push(if next.is_some() { 201 } else { 409 });
                    if let Some(next) = next {
                        (left, status) = (left - amount.amount, next);
                    }
                }
                answers.sort_unstable();
                (answers, status)
            }
        }
    }
}

fn left(order: &Order) -> i64 {
    order.totals.total.amount - order.refunded.amount
}

fn part(of: &Order, percent: i64) -> Money {
    eur((left(of) * percent / 100).max(1))
}

/// The events of an order give what is shown of it, and each of them leads where the table says.
async fn events_agree(bench: &Bench, shown: &Order) {
    let (db, wake) = (bench.service.db("orders"), bench.service.assembled().shared().wake("a-test"));
    let store = EventStore::new(db.clone(), wake, bench.service.clock().clone());
    let stored = store.read(&StreamId::new("order", shown.id.uuid()), 0, 1_000).await.unwrap();
    let mut folded = order::Order::default();
    for event in &stored {
        let before = folded.clone();
        folded.apply(OrderEvent::of(event).unwrap().unwrap());
        // As a snapshot keeps it.
        folded = serde_json::from_str(&serde_json::to_string(&folded).unwrap()).unwrap();
        if let (Some(from), Some(to)) = (before.status, folded.status)
            && from != to
        {
            let line = TABLE.iter().find(|(state, .., next)| (*state, *next) == (from, to));
            assert!(line.is_some(), "{from} -> {to}: {stored:?}");
        }
        let promised = folded.promised_back().unwrap().amount;
        assert!(promised <= shown.totals.total.amount, "{promised} of {}: {stored:?}", shown.totals.total);
    }
    assert_eq!(store.load::<order::Order>(shown.id.uuid()).await.unwrap().state, folded);
    assert_eq!(shown.version, i64::try_from(stored.len()).unwrap());
    assert_eq!(
        (Some(shown.status), shown.processing, shown.refunded, shown.refunds.len()),
        (folded.status, folded.is_processing(), folded.given_back_in_all().unwrap(), folded.refunds.len())
    );
    assert_eq!(shown.tracking_number, folded.tracking.map(|(_, number)| number));
}

/// What was taken is what it costs, and what was given back is what is shown.
fn money_agrees(bench: &Bench, shown: &Order) {
    let books = bench.town.books();
    let payment = &books.payments[&shown.payment];
    assert!(payment.refunded.amount <= payment.amount.amount, "{payment:?}");
    match shown.status {
        OrderStatus::Failed => assert_eq!(payment.state, PaymentState::Failed),
        OrderStatus::Cancelled => {
            let settled = [PaymentState::Failed, PaymentState::Refunded];
            assert!(settled.contains(&payment.state), "{payment:?}");
        }
        _ => assert_eq!((payment.amount, payment.refunded), (shown.totals.total, shown.refunded)),
    }
}

async fn live(bench: &Bench, (card, quantity, deeds): Life) {
    let (ada, staff) = (bench.person(), bench.staff());
    let pen = bench.town.put("pen", 1_999, 100);
    let bought = ada.buy(&[(pen, quantity)], card).await;
    let mut now = ada.rest(bench, &bought).await;
    for (who, deed) in deeds {
        let asker: &Person = if who == Actor::Buyer { &ada } else { &staff };
        let (expected, status) = deed.expected(who, &now);
        let asks = deed.asks(&now);
        let asking = asks.into_iter().map(|(verb, body)| asker.tell(&now, verb, body));
        let answers = futures_util::future::join_all(asking).await;
        let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, expected, "{deed:?} by {who:?} of {now:?}: {answers:?}");
        let then = ada.rest(bench, &now).await;
        assert_eq!(then.status, status, "{deed:?} by {who:?} of {now:?}");
        if statuses.iter().all(|status| *status >= 400) {
            assert_eq!(then, now, "what is refused changes nothing");
        }
        events_agree(bench, &then).await;
        money_agrees(bench, &then);
        now = then;
    }
}

async fn whatever_is_done_an_order_is_what_its_events_say(engine: Engine) {
    let Some(bench) = Bench::start(engine, "orchestration").await else { return };
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..LIVES {
        let life = lives().new_tree(&mut runner).unwrap().current();
        // What fails is repeated with this.
        eprintln!("{life:?}");
        live(&bench, life).await;
    }
    bench.books_agree().await;
}

on_both_engines!(whatever_is_done_an_order_is_what_its_events_say);

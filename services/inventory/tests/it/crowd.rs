//! Many buyers at once who want the same few things.

use crate::support::{Bench, Item, refused, setup};
use contract::ErrorCode;
use contract::client::CallError;
use contract::ids::{CheckoutId, OrderId};
use contract::inventory::{AdjustmentKind, InventoryClient, Reservation, ReservationState};
use std::collections::BTreeMap;
use testkit::{Engine, Setup, on_both_engines};
use tokio::task::JoinSet;

const BUYERS: u32 = 300;

/// Whoever waits for the database waits for as long as it takes: a busy machine turns nobody away.
fn crowded() -> Setup {
    setup().set("BOWLINE_DATABASE__ACQUIRE_TIMEOUT_MS", "60000")
}

/// Asks all at once and waits for every answer.
async fn all<T, F>(asking: impl Iterator<Item = F>) -> Vec<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    let mut set = JoinSet::new();
    asking.for_each(|one| {
        set.spawn(one);
    });
    set.join_all().await
}

async fn try_reserve(
    inventory: InventoryClient,
    checkout: CheckoutId,
    lines: Vec<(Item, u32)>,
) -> Result<Reservation, CallError> {
    inventory.reserve(checkout, &crate::support::wanted(OrderId(checkout.uuid()), &lines)).await
}

async fn of_what_everybody_wants_exactly_as_many_are_reserved_as_there_are(engine: Engine) {
    let Some(bench) = Bench::start_with(crowded(), engine).await else { return };
    let item = bench.item(50).await;
    let buyers =
        (0..BUYERS).map(|_| try_reserve(bench.inventory.clone(), CheckoutId::new(), vec![(item, 1)]));
    let (kept, refusals): (Vec<_>, Vec<_>) = all(buyers).await.into_iter().partition(Result::is_ok);
    assert_eq!(kept.len(), 50);
    for refusal in refusals {
        assert_eq!(refused(refusal).code, ErrorCode::InsufficientStock);
    }
    assert_eq!(bench.numbers(item).await, (50, 50));
    bench.books_hold().await;
}

/// Baskets that share items in every order of lines: on a database with row locks this is where two wait for each other.
async fn baskets_that_share_items_are_kept_whole_or_not_at_all(engine: Engine) {
    let Some(bench) = Bench::start_with(crowded(), engine).await else { return };
    let items = bench.items(40, 5).await;
    let basket = |n: u32| {
        let n = n as usize;
        let mut lines = vec![(items[n % 5], 1), (items[(n / 5) % 5], 2), (items[(n / 25) % 5], 1)];
        if n.is_multiple_of(2) {
            lines.reverse();
        }
        lines
    };
    let buyers = (0..BUYERS).map(|n| {
        let asking = try_reserve(bench.inventory.clone(), CheckoutId::new(), basket(n));
        async move { (n, asking.await) }
    });
    let (mut kept, mut refusals): (BTreeMap<_, u32>, Vec<u32>) = Default::default();
    for (n, answer) in all(buyers).await {
        match answer {
            Ok(reservation) => {
                for line in reservation.lines {
                    *kept.entry(line.product).or_default() += line.quantity;
                }
            }
            refusal => {
                assert_eq!(refused(refusal).code, ErrorCode::InsufficientStock);
                refusals.push(n);
            }
        }
    }
    for item in &items {
        assert_eq!(bench.numbers(*item).await, (40, i64::from(kept[&item.id])));
    }
    // Nothing was let go, so whoever was refused would be refused now.
    for n in refusals {
        let answer = try_reserve(bench.inventory.clone(), CheckoutId::new(), basket(n)).await;
        assert_eq!(refused(answer).code, ErrorCode::InsufficientStock);
    }
    bench.books_hold().await;
}

async fn the_same_checkout_from_many_sides_is_one_reservation(engine: Engine) {
    let Some(bench) = Bench::start_with(crowded(), engine).await else { return };
    let item = bench.item(100).await;
    let checkout = CheckoutId::new();
    let tries = (0..60).map(|_| try_reserve(bench.inventory.clone(), checkout, vec![(item, 3)]));
    let answers = all(tries).await;
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!(bench.numbers(item).await, (100, 3));
    assert_eq!(bench.published(OrderId(checkout.uuid())).await, ["inventory.reserved.v1"]);
}

/// Whether the release or the reservation is first: afterwards nothing is kept.
async fn a_release_that_races_with_its_reservation_wins(engine: Engine) {
    let Some(bench) = Bench::start_with(crowded(), engine).await else { return };
    let item = bench.item(1_000).await;
    let checkouts: Vec<_> = (0..60).map(|_| CheckoutId::new()).collect();
    let mut both = JoinSet::new();
    for checkout in checkouts.clone() {
        let (reserving, releasing) = (bench.inventory.clone(), bench.inventory.clone());
        both.spawn(async move { try_reserve(reserving, checkout, vec![(item, 2)]).await.is_ok() });
        both.spawn(
            async move { releasing.release(checkout).await.unwrap().state == ReservationState::Released },
        );
    }
    both.join_all().await;
    assert_eq!(bench.numbers(item).await, (1_000, 0));
    assert_eq!(bench.rows("SELECT COUNT(*) FROM reservation WHERE state = 'RELEASED'").await, 60);
    bench.books_hold().await;
}

/// One buyer's whole way, with every step sent twice at the same time.
async fn buy(inventory: InventoryClient, n: u32, lines: Vec<(Item, u32)>) -> Option<ReservationState> {
    let checkout = CheckoutId::new();
    let twice = tokio::join!(
        try_reserve(inventory.clone(), checkout, lines.clone()),
        try_reserve(inventory.clone(), checkout, lines),
    );
    match twice {
        (Ok(_), _) | (_, Ok(_)) => {}
        (one, other) => {
            for refusal in [one, other] {
                assert_eq!(refused(refusal).code, ErrorCode::InsufficientStock);
            }
            return None;
        }
    }
    if n.is_multiple_of(4) {
        let (one, other) = tokio::join!(inventory.release(checkout), inventory.release(checkout));
        assert_eq!(one.unwrap(), other.unwrap());
        return Some(ReservationState::Released);
    }
    if n % 4 == 1 {
        // Who pays and who gives up at the same moment: one of the two holds, and the other is told no.
        let (sold, let_go) = tokio::join!(inventory.commit(checkout), inventory.release(checkout));
        assert_ne!(sold.is_ok(), let_go.is_ok(), "{sold:?} {let_go:?}");
        return Some(sold.or(let_go).unwrap().state);
    }
    let (one, other) = tokio::join!(inventory.secure(checkout), inventory.secure(checkout));
    assert!(one.is_ok() && other.is_ok());
    let (one, other) = tokio::join!(inventory.commit(checkout), inventory.commit(checkout));
    assert!(one.is_ok() && other.is_ok());
    Some(ReservationState::Committed)
}

async fn a_crowd_that_buys_gives_up_and_counts_leaves_books_that_hold(engine: Engine) {
    // With the sweep, and reservations that end at once when the clock moves.
    let setup = crowded().set("BOWLINE_JOBS__ENABLED", "true").set("BOWLINE_JOBS__POLL_MS", "20");
    let Some(bench) = Bench::start_with(setup, engine).await else { return };
    let items = bench.items(60, 4).await;
    let left: Vec<_> = (0..20).map(|_| CheckoutId::new()).collect();
    for (n, checkout) in left.iter().enumerate() {
        try_reserve(bench.inventory.clone(), *checkout, vec![(items[n % 4], 1)]).await.unwrap();
    }
    bench.pass(901);
    let buyers = (0..200_u32).map(|n| {
        let at = n as usize;
        buy(bench.inventory.clone(), n, vec![(items[at % 4], 1 + n % 2), (items[(at / 4) % 4], 1)])
    });
    let counting = async {
        for item in &items {
            bench.count(*item, AdjustmentKind::Purchase, 5).await;
        }
    };
    let (ways, ()) = tokio::join!(all(buyers), counting);
    assert!(ways.iter().flatten().filter(|state| **state == ReservationState::Committed).count() > 50);
    testkit::eventually(|| async {
        let open = bench.rows("SELECT COUNT(*) FROM reservation WHERE state IN ('ACTIVE', 'SECURED')").await;
        if open == 0 { Ok(()) } else { Err(open) }
    })
    .await;
    for item in &items {
        assert_eq!(bench.numbers(*item).await.1, 0);
    }
    bench.books_hold().await;
}

on_both_engines!(
    of_what_everybody_wants_exactly_as_many_are_reserved_as_there_are,
    baskets_that_share_items_are_kept_whole_or_not_at_all,
    the_same_checkout_from_many_sides_is_one_reservation,
    a_release_that_races_with_its_reservation_wins,
    a_crowd_that_buys_gives_up_and_counts_leaves_books_that_hold,
);

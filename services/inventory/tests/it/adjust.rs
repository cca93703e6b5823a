//! Counting stock, who may, and the ledger.

use crate::support::{Bench, INVENTORY, adjustments};
use contract::ErrorCode;
use contract::identity::Role;
use contract::ids::{CheckoutId, OrderId, ProductId};
use contract::inventory::{AdjustmentKind, Availability, Movement, MovementKind, StockItem};
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn every_count_is_a_line_of_the_ledger_with_who_and_why(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(0).await;
    let vendor = bench.vendor(item);
    let bought = json!({"quantity": 8, "kind": "PURCHASE", "reason": "Delivery 17"});
    let made = vendor.post(&adjustments(item), bought).await.expect(201);
    let line: Movement = made.data();
    assert_eq!(
        (line.kind, line.sequence, line.on_hand, line.by),
        (MovementKind::Purchase, 1, 8, Some(item.vendor))
    );
    assert_eq!(line.reason.as_deref(), Some("Delivery 17"));
    bench.count(item, AdjustmentKind::Damage, -2).await;
    bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 5)]).await.unwrap();
    let ledger = format!("{INVENTORY}/{}/movements?limit=2", item.id);
    let page = vendor.get(&ledger).await.expect(200);
    let lines: Vec<Movement> = page.data();
    let kinds: Vec<_> = lines.iter().map(|line| (line.sequence, line.kind, line.reserved)).collect();
    assert_eq!(kinds, [(3, MovementKind::Reserve, 5), (2, MovementKind::Damage, 0)]);
    let cursor = page.json()["pagination"]["cursor"].as_str().unwrap().to_owned();
    let rest = vendor.get(&format!("{ledger}&cursor={cursor}")).await.expect(200);
    assert_eq!(rest.data::<Vec<Movement>>(), [line]);
    assert_eq!(rest.json()["pagination"]["hasNext"], false);
    vendor.get(&format!("{ledger}&cursor=x")).await.expect(400).refused(ErrorCode::Validation);
    bench.books_hold().await;
}

async fn nothing_is_taken_that_somebody_has_reserved(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 4)]).await.unwrap();
    let damage = |quantity| json!({"quantity": quantity, "kind": "DAMAGE", "reason": "Fell down"});
    let refused = bench.vendor(item).post(&adjustments(item), damage(-2)).await.expect(409);
    refused.refused(ErrorCode::InsufficientStock);
    assert_eq!(bench.numbers(item).await, (5, 4));
    bench.vendor(item).post(&adjustments(item), damage(-1)).await.expect(201);
    assert_eq!(bench.numbers(item).await, (4, 4));
}

async fn a_count_that_cannot_be_so_is_refused(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    for (quantity, kind, reason) in [
        (0, "ADJUSTMENT", "x"),
        (-1, "PURCHASE", "x"),
        (1, "DAMAGE", "x"),
        (1, "RESERVE", "x"),
        (2_000_000, "PURCHASE", "x"),
        (1, "PURCHASE", ""),
    ] {
        let body = json!({"quantity": quantity, "kind": kind, "reason": reason});
        bench.vendor(item).post(&adjustments(item), body).await.expect(400).refused(ErrorCode::Validation);
    }
    assert_eq!(bench.numbers(item).await, (5, 0));
}

async fn a_count_that_is_sent_twice_with_one_key_counts_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(5).await;
    let body = json!({"quantity": 3, "kind": "PURCHASE", "reason": "Delivery"});
    let mut answers = Vec::new();
    for _ in 0..2 {
        let vendor = bench.vendor(item);
        let ask = vendor.request(http::Method::POST, &adjustments(item));
        answers.push(
            ask.header("idempotency-key", "one").json(&body).send().await.expect(201).data::<Movement>(),
        );
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(bench.numbers(item).await, (8, 0));
}

async fn a_vendor_sees_and_counts_only_their_own(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let [mine, other] = [bench.item(5).await, bench.item(50).await];
    let vendor = bench.vendor(mine);
    let body = json!({"quantity": 3, "kind": "PURCHASE", "reason": "Delivery"});
    let levels = json!({"reorderLevel": 1, "reorderQuantity": 2});
    vendor.post(&adjustments(other), &body).await.expect(404).refused(ErrorCode::NotFound);
    vendor.put(&format!("{INVENTORY}/{}", other.id), &levels).await.expect(404);
    vendor.get(&format!("{INVENTORY}/{}/movements", other.id)).await.expect(404);
    let seen: Availability = vendor.get(&format!("{INVENTORY}/{}", other.id)).await.expect(200).data();
    assert_eq!(seen.counted, None);
    let all = vendor.get(INVENTORY).await.expect(200).data::<Vec<StockItem>>();
    assert_eq!(all.iter().map(|item| item.product).collect::<Vec<_>>(), [mine.id]);
    let buyer = bench.person(&[Role::User]);
    buyer.post(&adjustments(mine), &body).await.expect(403).refused(ErrorCode::Forbidden);
    buyer.put(&format!("{INVENTORY}/{}", mine.id), &levels).await.expect(403);
    buyer.get(INVENTORY).await.expect(403);
    buyer.get(&format!("{INVENTORY}/{}/movements", mine.id)).await.expect(403);
    bench.service.client().post(&adjustments(mine), &body).await.expect(401);
    assert_eq!((bench.numbers(mine).await, bench.numbers(other).await), ((5, 0), (50, 0)));
    bench.admin().post(&adjustments(other), &body).await.expect(201);
    bench
        .admin()
        .post(&adjustments(crate::support::Item { id: ProductId::new(), ..mine }), &body)
        .await
        .expect(404);
}

async fn anybody_sees_whether_there_is_some_and_its_vendor_how_many(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let [plenty, few, none] = [bench.item(50).await, bench.item(5).await, bench.item(0).await];
    for (item, in_stock, few_left) in [(plenty, true, false), (few, true, true), (none, false, false)] {
        let path = format!("{INVENTORY}/{}", item.id);
        let seen: Availability = bench.service.client().get(&path).await.expect(200).data();
        assert_eq!((seen.in_stock, seen.few_left, seen.counted), (in_stock, few_left, None));
        for who in [bench.vendor(item), bench.admin()] {
            assert!(who.get(&path).await.expect(200).data::<Availability>().counted.is_some());
        }
    }
    let ids = [plenty.id, few.id, ProductId::new()];
    let known = bench.inventory.availability(&ids).await.unwrap();
    assert_eq!(known.len(), 2);
    assert!(known.iter().all(|one| one.counted.is_none() && one.in_stock));
    bench.service.client().get(&format!("{INVENTORY}/{}", ProductId::new())).await.expect(404);
}

async fn what_is_low_can_be_listed_and_levels_can_be_set(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let [low, _] = [bench.item(9).await, bench.item(10).await];
    let listed = |query: &'static str| {
        let admin = bench.admin();
        async move { admin.get(&format!("{INVENTORY}{query}")).await.expect(200).data::<Vec<StockItem>>() }
    };
    let found = listed("?lowStock=true").await;
    assert_eq!(found.iter().map(|item| (item.product, item.low)).collect::<Vec<_>>(), [(low.id, true)]);
    assert_eq!(listed("?lowStock=false").await.len(), 1);
    assert_eq!(listed("").await.len(), 2);
    let levels = json!({"reorderLevel": 3, "reorderQuantity": 7});
    let set = bench.vendor(low).put(&format!("{INVENTORY}/{}", low.id), levels).await.expect(200);
    let item: StockItem = set.data();
    assert_eq!((item.reorder_level, item.reorder_quantity, item.low), (3, 7, false));
    assert!(listed("?lowStock=true").await.is_empty());
}

on_both_engines!(
    every_count_is_a_line_of_the_ledger_with_who_and_why,
    nothing_is_taken_that_somebody_has_reserved,
    a_count_that_cannot_be_so_is_refused,
    a_count_that_is_sent_twice_with_one_key_counts_once,
    a_vendor_sees_and_counts_only_their_own,
    anybody_sees_whether_there_is_some_and_its_vendor_how_many,
    what_is_low_can_be_listed_and_levels_can_be_set,
);

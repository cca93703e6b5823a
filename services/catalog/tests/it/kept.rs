//! What is read often is kept, and what changes it is seen at once; the clock stands still, so no copy ends by its time.

use crate::support::{Bench, PRODUCTS, at, product, with};
use catalog::Catalog;
use chassis::db::q;
use chassis::service::Service as _;
use contract::catalog::{Category, CategoryChanged, CategoryNode, Product, ProductChanged, ProductRemoved};
use contract::event::Event;
use contract::money::Money;
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, eventually, on_both_engines};

/// Changes the row past the service, which does not hear of it.
async fn reprice_secretly(bench: &Bench, product: &Product, cents: i64) {
    let db = bench.service.db(Catalog::SPEC.name);
    let sql = "UPDATE product SET price_amount = $2 WHERE id = $1";
    q!(db.write, execute, sql, product.id.uuid(), cents).unwrap();
}

async fn shown(bench: &Bench, product: &Product) -> Money {
    bench.nobody().get(&at(product)).await.expect(200).data::<Product>().price
}

async fn a_product_is_kept_for_a_moment_without_redis(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let lamp = bench.vendor().make(product("A", "Lamp", 100)).await;
    assert_eq!(shown(&bench, &lamp).await.amount, 100);
    reprice_secretly(&bench, &lamp, 200).await;
    assert_eq!(shown(&bench, &lamp).await.amount, 100, "it was read from the copy");
    assert_eq!(bench.peer().cards(&[lamp.id]).await.unwrap().products[0].price.amount, 100);
    let request = contract::catalog::QuoteRequest { products: vec![lamp.id] };
    assert_eq!(
        bench.peer().quote(&request).await.unwrap().products[0].price.amount,
        200,
        "never from a copy"
    );
    bench.service.clock().advance(Duration::from_secs(1));
    assert_eq!(shown(&bench, &lamp).await.amount, 200);
}

async fn whatever_changes_a_product_is_seen_at_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let lamp = ada.make(product("A", "Lamp", 100)).await;
    for (change, expected) in [
        (json!({"price": {"amount": 150, "currency": "EUR"}}), 2),
        (json!({"name": "Torch"}), 3),
        (json!({"slug": "torch"}), 4),
        (json!({"active": true}), 4),
    ] {
        shown(&bench, &lamp).await;
        let changed = ada.client.patch(&at(&lamp), change).await.expect(200);
        let seen = bench.nobody().get(&at(&lamp)).await.expect(200);
        assert_eq!(seen.data::<Product>(), changed.data::<Product>());
        assert_eq!(seen.data::<Product>().version, expected);
    }
    ada.client.patch(&at(&lamp), json!({"active": false})).await.expect(200);
    bench.nobody().get(&at(&lamp)).await.expect(404);
}

async fn that_there_is_no_such_slug_is_not_kept_when_there_is(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let path = format!("{PRODUCTS}/by-slug/lamp");
    bench.nobody().get(&path).await.expect(404);
    bench.vendor().make(product("A", "Lamp", 100)).await;
    bench.nobody().get(&path).await.expect(200);
}

/// A process that died right after its commit forgets nothing; its events do.
async fn the_events_of_a_change_forget_too(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, root) = (bench.vendor(), bench.admin());
    let lamp = ada.make(product("A", "Lamp", 100)).await;
    let home: Category =
        root.client.post("/api/v1/categories", json!({"name": "Home"})).await.expect(201).data();
    let handled = async |kind: &'static str, times: usize| {
        let db = bench.service.db(Catalog::SPEC.name);
        eventually(|| async {
            let sql = "SELECT COUNT(*) FROM inbox WHERE kind = $1 AND status = 'done'";
            let done: i64 = q!(db.read, scalar, sql, kind).unwrap();
            if usize::try_from(done) == Ok(times) { Ok(()) } else { Err(done) }
        })
        .await;
    };
    ada.client.patch(&at(&lamp), json!({"name": "Torch"})).await.expect(200);
    handled(ProductChanged::TYPE, 1).await;
    handled(CategoryChanged::TYPE, 1).await;
    root.client.patch(&format!("/api/v1/categories/{}", home.id), json!({"name": "House"})).await.expect(200);
    handled(CategoryChanged::TYPE, 2).await;
    let tree: Vec<CategoryNode> = bench.nobody().get("/api/v1/categories").await.expect(200).data();
    assert_eq!(tree[0].name, "House");
    ada.client.delete(&at(&lamp)).await.expect(204);
    handled(ProductRemoved::TYPE, 1).await;
}

async fn what_was_read_is_shown_while_the_database_is_away_and_marked(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let lamp = bench.vendor().make(product("A", "Lamp", 100)).await;
    shown(&bench, &lamp).await;
    bench.service.clock().advance(Duration::from_secs(30));
    bench.service.db(Catalog::SPEC.name).close().await;
    let answer = bench.nobody().get(&at(&lamp)).await.expect(200);
    assert_eq!(answer.header("cache-status"), Some("products; hit; detail=stale-if-error"));
    assert_eq!(answer.data::<Product>(), lamp);
    let cards = bench.peer().cards(&[lamp.id]).await.unwrap();
    assert_eq!((cards.stale, cards.products[0].price), (true, lamp.price));
    let request = contract::catalog::QuoteRequest { products: vec![lamp.id] };
    assert!(bench.peer().quote(&request).await.is_err(), "nothing is sold from a copy");
    bench.nobody().get(PRODUCTS).await.expect(503);
    bench.service.clock().advance(Duration::from_secs(700));
    bench.nobody().get(&at(&lamp)).await.expect(503);
}

async fn a_change_that_is_refused_shows_nothing_of_itself(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    ada.make(with(product("A", "Lamp", 100), json!({"slug": "a"}))).await;
    let vase = ada.make(product("B", "Vase", 100)).await;
    shown(&bench, &vase).await;
    ada.client.patch(&at(&vase), json!({"name": "X", "slug": "a"})).await.expect(409);
    assert_eq!(bench.nobody().get(&at(&vase)).await.expect(200).data::<Product>(), vase);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product WHERE name = 'X'").await, 0);
}

on_both_engines!(
    a_product_is_kept_for_a_moment_without_redis,
    whatever_changes_a_product_is_seen_at_once,
    that_there_is_no_such_slug_is_not_kept_when_there_is,
    the_events_of_a_change_forget_too,
    what_was_read_is_shown_while_the_database_is_away_and_marked,
    a_change_that_is_refused_shows_nothing_of_itself,
);

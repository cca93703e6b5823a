//! What the service publishes: an event for each change that was committed, and none for one that was not.

use crate::support::{Bench, PRODUCTS, at, product, with};
use catalog::Catalog;
use chassis::db::q;
use chassis::service::{Parts, Service as _};
use contract::catalog::{
    Category, CategoryChanged, ProductChanged, ProductCreated, ProductPriceChanged, ProductRemoved,
};
use contract::event::Event;
use serde_json::{Value, json};
use testkit::{Ears, Engine, Listen, Listener, Setup, heard_of, on_both_engines};
use uuid::Uuid;

/// All that is published.
struct All;

impl Ears for All {
    type Publisher = Catalog;

    fn open(parts: Parts) -> Parts {
        parts
            .on::<ProductCreated>("created", Listen)
            .on::<ProductChanged>("changed", Listen)
            .on::<ProductPriceChanged>("price-changed", Listen)
            .on::<ProductRemoved>("removed", Listen)
            .on::<CategoryChanged>("category-changed", Listen)
    }
}

/// What came of one key, in its order by type, once everything was sent and so many events of it were handled.
async fn heard(bench: &Bench, key: Uuid, count: i64) -> Vec<(&'static str, Value)> {
    let came = heard_of(&bench.service, Catalog::SPEC.name, key, count).await;
    came.into_iter().map(|heard| (heard.kind, heard.data)).collect()
}

async fn start(engine: Engine) -> Option<Bench> {
    Bench::start_with(Setup::of::<Catalog>().and::<Listener<All>>(), engine).await
}

async fn every_change_of_a_product_is_told_once_and_in_order(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let ada = bench.vendor();
    let lamp = ada.make(product("A", "Lamp", 100)).await;
    let eur = |cents: i64| json!({"amount": cents, "currency": "EUR"});
    ada.client.post(PRODUCTS, product("A", "Refused", 100)).await.expect(409);
    for change in [
        json!({"price": eur(200)}),
        json!({"name": "Torch"}),
        json!({"name": "Torch", "price": eur(200)}),
        json!({"active": false, "price": eur(300)}),
    ] {
        ada.client.patch(&at(&lamp), change).await.expect(200);
    }
    bench.vendor().client.patch(&at(&lamp), json!({"name": "Theirs"})).await.expect(404);
    ada.client.delete(&at(&lamp)).await.expect(204);

    let id = lamp.id;
    let created = json!({"product": id, "sku": "A", "name": "Lamp", "vendor": ada.id, "price": eur(100)});
    let repriced = |before: i64, price: i64, version: i64| json!({"product": id, "before": eur(before), "price": eur(price), "priceVersion": version});
    let changed = |version: i64, active: bool| json!({"product": id, "version": version, "name": "Torch", "active": active});
    let came = heard(&bench, id.uuid(), 6).await;
    let expected = [
        (ProductCreated::TYPE, created),
        (ProductPriceChanged::TYPE, repriced(100, 200, 2)),
        (ProductChanged::TYPE, changed(3, true)),
        (ProductPriceChanged::TYPE, repriced(200, 300, 3)),
        (ProductChanged::TYPE, changed(4, false)),
        (ProductRemoved::TYPE, json!({"product": id})),
    ];
    // Subscriptions of different types are handled beside each other; each has its order.
    for kind in [ProductCreated::TYPE, ProductPriceChanged::TYPE, ProductChanged::TYPE, ProductRemoved::TYPE]
    {
        let of = |all: &[(&'static str, Value)]| -> Vec<Value> {
            all.iter().filter(|(own, _)| *own == kind).map(|(_, data)| data.clone()).collect()
        };
        assert_eq!(of(&came), of(&expected), "{kind}");
    }
}

async fn a_change_of_the_tree_is_told(engine: Engine) {
    let Some(bench) = start(engine).await else { return };
    let root = bench.admin();
    let home: Category =
        root.client.post("/api/v1/categories", json!({"name": "Home"})).await.expect(201).data();
    let came = heard(&bench, home.id.uuid(), 1).await;
    assert_eq!(came, [(CategoryChanged::TYPE, json!({"category": home.id, "version": home.version}))]);
}

async fn what_is_wrong_in_the_books_is_found(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let lamp = ada.make(with(product("A", "Lamp", 100), json!({"description": "x"}))).await;
    ada.client.patch(&at(&lamp), json!({"price": {"amount": 5, "currency": "EUR"}})).await.expect(200);
    let audit = async || bench.service.assembled().books().audit().await;
    for finding in audit().await {
        assert!(finding.holds(), "{finding:?}");
    }
    let db = bench.service.db(Catalog::SPEC.name);
    q!(db.write, execute, "UPDATE product SET price_amount = 6").unwrap();
    let wrong: Vec<String> = audit()
        .await
        .into_iter()
        .filter(|finding| !finding.holds())
        .map(|finding| finding.invariant)
        .collect();
    assert_eq!(wrong, ["prices-are-kept"]);
}

on_both_engines!(
    every_change_of_a_product_is_told_once_and_in_order,
    a_change_of_the_tree_is_told,
    what_is_wrong_in_the_books_is_found,
);

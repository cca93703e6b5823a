//! Making, changing, showing and removing products.

use crate::support::{Bench, PRODUCTS, at, product, with};
use contract::ErrorCode;
use contract::catalog::{PriceVersion, Product};
use contract::identity::Role;
use contract::ids::ProductId;
use http::Method;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_product_is_made_shown_and_removed(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let vendor = bench.vendor();
    let body = with(
        product("LAMP-1", " Crème lamp ", 1999),
        json!({
            "description": "Warm\nlight", "images": [{"url": "https://img.example/1.jpg", "alt": "On"}],
            "attributes": [{"name": "Colour", "value": "Walnut"}],
        }),
    );
    let answer = vendor.client.post(PRODUCTS, body).await.expect(201);
    let made: Product = answer.data();
    assert_eq!(answer.location(), Some(at(&made).as_str()));
    assert_eq!(
        (made.slug.as_str(), made.name.as_str(), made.vendor),
        ("creme-lamp", "Crème lamp", vendor.id)
    );
    assert_eq!((made.version, made.price_version, made.active, made.featured), (1, 1, true, false));
    for path in [at(&made), format!("{PRODUCTS}/by-slug/creme-lamp")] {
        let shown = bench.nobody().get(&path).await.expect(200);
        assert_eq!(shown.data::<Product>(), made);
        assert_eq!(shown.header("cache-control"), Some("public, no-cache"));
        let tag = shown.header("etag").unwrap();
        let same = bench.nobody().request(Method::GET, &path).header("if-none-match", tag).send().await;
        assert_eq!(same.status, 304);
    }
    vendor.client.delete(&at(&made)).await.expect(204);
    for path in [at(&made), format!("{PRODUCTS}/by-slug/creme-lamp")] {
        bench.nobody().get(&path).await.expect(404).refused(ErrorCode::NotFound);
    }
    vendor.client.delete(&at(&made)).await.expect(404).refused(ErrorCode::NotFound);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product_price").await, 0);
}

async fn a_vendor_changes_their_own_products_only_and_an_administrator_all(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve, root) = (bench.vendor(), bench.vendor(), bench.admin());
    let lamp = ada.make(product("LAMP", "Lamp", 100)).await;
    let change = json!({"name": "Desk lamp"});
    eve.client.patch(&at(&lamp), &change).await.expect(404).refused(ErrorCode::NotFound);
    eve.client.delete(&at(&lamp)).await.expect(404).refused(ErrorCode::NotFound);
    eve.client.get(&format!("{}/prices", at(&lamp))).await.expect(404).refused(ErrorCode::NotFound);
    for role in [Role::User, Role::Moderator] {
        let person = bench.person(role);
        person.client.post(PRODUCTS, product("X", "X", 1)).await.expect(403).refused(ErrorCode::Forbidden);
        person.client.patch(&at(&lamp), &change).await.expect(403).refused(ErrorCode::Forbidden);
        person.client.delete(&at(&lamp)).await.expect(403).refused(ErrorCode::Forbidden);
    }
    bench.nobody().post(PRODUCTS, product("X", "X", 1)).await.expect(401).refused(ErrorCode::Unauthenticated);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product WHERE name = 'Lamp'").await, 1);
    let changed: Product = root.client.patch(&at(&lamp), &change).await.expect(200).data();
    assert_eq!((changed.name.as_str(), changed.vendor, changed.version), ("Desk lamp", ada.id, 2));
    // Only who manages the catalog makes products of others, and decides what is featured.
    for more in [json!({"vendor": ada.id}), json!({"featured": true})] {
        let refused = eve.client.post(PRODUCTS, with(product("Y", "Y", 1), more)).await.expect(403);
        refused.refused(ErrorCode::Forbidden);
    }
    ada.client.patch(&at(&lamp), json!({"featured": true})).await.expect(403).refused(ErrorCode::Forbidden);
    let made = root.make(with(product("Y", "Y", 1), json!({"vendor": ada.id, "featured": true}))).await;
    assert_eq!((made.vendor, made.featured), (ada.id, true));
    // A vendor may leave it as it is.
    ada.client.patch(&at(&made), json!({"featured": true, "name": "Z"})).await.expect(200);
    root.client.delete(&at(&lamp)).await.expect(204);
}

async fn a_product_that_is_not_sold_is_seen_by_its_vendor_and_administrators_only(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve, root) = (bench.vendor(), bench.vendor(), bench.admin());
    let lamp = ada.make(with(product("LAMP", "Lamp", 100), json!({"active": false}))).await;
    for path in [at(&lamp), format!("{PRODUCTS}/by-slug/lamp")] {
        for client in [&ada.client, &root.client] {
            let shown = client.get(&path).await.expect(200);
            assert_eq!(shown.header("cache-control"), Some("private, no-cache"));
        }
        for client in [&bench.nobody(), &eve.client, &bench.person(Role::User).client] {
            client.get(&path).await.expect(404).refused(ErrorCode::NotFound);
        }
    }
    ada.client.patch(&at(&lamp), json!({"active": true})).await.expect(200);
    bench.nobody().get(&at(&lamp)).await.expect(200);
}

async fn every_price_is_kept_with_its_version_and_who_set_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, root) = (bench.vendor(), bench.admin());
    let lamp = ada.make(product("LAMP", "Lamp", 100)).await;
    for (who, cents) in [(&ada, 200), (&root, 300), (&root, 300)] {
        bench.service.clock().advance(std::time::Duration::from_secs(1));
        let price = json!({"price": {"amount": cents, "currency": "EUR"}});
        who.client.patch(&at(&lamp), price).await.expect(200);
    }
    // Another name is no other price.
    let now: Product = ada.client.patch(&at(&lamp), json!({"name": "L"})).await.expect(200).data();
    assert_eq!((now.price_version, now.version), (3, 4));
    let path = format!("{}/prices", at(&lamp));
    let prices: Vec<PriceVersion> = ada.client.get(&path).await.expect(200).data();
    let told: Vec<_> = prices.iter().map(|price| (price.version, price.price.amount, price.by)).collect();
    assert_eq!(told, [(3, 300, root.id), (2, 200, ada.id), (1, 100, ada.id)]);
    assert!(prices[0].from > prices[1].from && prices[1].from > prices[2].from);
    let first = ada.client.get(&format!("{path}?limit=2")).await.expect(200).json();
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    let second = ada.client.get(&format!("{path}?limit=2&cursor={cursor}")).await.expect(200);
    assert_eq!(second.data::<Vec<PriceVersion>>(), prices[2..]);
    assert_eq!(second.json()["pagination"]["hasNext"], false);
    ada.client.get(&format!("{path}?cursor=x")).await.expect(400).refused(ErrorCode::Validation);
}

async fn names_are_of_one_product_each(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let first = ada.make(product("A", "Lamp", 100)).await;
    let second = ada.make(product("B", "Lamp", 100)).await;
    assert_eq!(first.slug, "lamp");
    assert!(second.slug.starts_with("lamp-"), "{}", second.slug);
    for body in [product("A", "Other", 1), with(product("C", "Other", 1), json!({"slug": "lamp"}))] {
        ada.client.post(PRODUCTS, body).await.expect(409).refused(ErrorCode::AlreadyExists);
    }
    for change in [json!({"sku": "A"}), json!({"slug": "lamp"})] {
        ada.client.patch(&at(&second), change).await.expect(409).refused(ErrorCode::AlreadyExists);
    }
    // Another slug: the old address leads nowhere, and may be of another product then.
    bench.nobody().get(&format!("{PRODUCTS}/by-slug/lamp")).await.expect(200);
    ada.client.patch(&at(&first), json!({"slug": "old-lamp"})).await.expect(200);
    bench.nobody().get(&format!("{PRODUCTS}/by-slug/lamp")).await.expect(404).refused(ErrorCode::NotFound);
    ada.client.patch(&at(&second), json!({"slug": "lamp"})).await.expect(200);
    let shown: Product = bench.nobody().get(&format!("{PRODUCTS}/by-slug/lamp")).await.expect(200).data();
    assert_eq!(shown.id, second.id);
}

async fn who_saw_an_older_version_changes_nothing(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let lamp = ada.make(product("LAMP", "Lamp", 100)).await;
    let send = async |method: Method, tag: &str| {
        let ask = ada.client.request(method, &at(&lamp)).header("if-match", tag);
        ask.json(json!({"name": "New"})).send().await
    };
    let changed = send(Method::PATCH, "\"1\"").await.expect(200);
    assert_eq!(changed.header("etag"), Some("\"2\""));
    send(Method::PATCH, "\"1\"").await.expect(412).refused(ErrorCode::PreconditionFailed);
    send(Method::DELETE, "\"1\"").await.expect(412).refused(ErrorCode::PreconditionFailed);
    assert_eq!(bench.nobody().get(&at(&lamp)).await.expect(200).data::<Product>().version, 2);
    send(Method::DELETE, "\"2\"").await.expect(204);
}

async fn what_cannot_be_a_product_is_refused_with_its_field(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    for (more, field) in [
        (json!({"price": {"amount": 0, "currency": "EUR"}}), "price"),
        (json!({"price": {"amount": -1, "currency": "EUR"}}), "price"),
        (json!({"price": {"amount": 1.5, "currency": "EUR"}}), "price.amount"),
        (json!({"price": {"amount": 1, "currency": "XXX"}}), "price.currency"),
        (json!({"sku": "a b"}), "sku"),
        (json!({"name": " "}), "name"),
        (json!({"slug": "A"}), "slug"),
        (json!({"images": [{"url": "javascript:alert(1)"}]}), "images[0].url"),
        (json!({"attributes": [{"name": "a", "value": "1"}, {"name": "a", "value": "2"}]}), "attributes"),
        (json!({"version": 7}), "version"),
    ] {
        let refused = ada.client.post(PRODUCTS, with(product("A", "A", 1), more.clone())).await.expect(400);
        let error = refused.refused(ErrorCode::Validation);
        assert!(error.error.details.iter().any(|detail| detail.field == field), "{more}: {error:?}");
    }
    let nobody = format!("{PRODUCTS}/{}", ProductId::new());
    ada.client.patch(&nobody, json!({"name": "A"})).await.expect(404).refused(ErrorCode::NotFound);
    ada.client.get(&format!("{nobody}/prices")).await.expect(404).refused(ErrorCode::NotFound);
}

on_both_engines!(
    a_product_is_made_shown_and_removed,
    a_vendor_changes_their_own_products_only_and_an_administrator_all,
    a_product_that_is_not_sold_is_seen_by_its_vendor_and_administrators_only,
    every_price_is_kept_with_its_version_and_who_set_it,
    names_are_of_one_product_each,
    who_saw_an_older_version_changes_nothing,
    what_cannot_be_a_product_is_refused_with_its_field,
);

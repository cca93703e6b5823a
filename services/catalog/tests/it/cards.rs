//! What other services show of products.

use crate::support::{Bench, at, product, with};
use contract::ErrorCode;
use contract::catalog::{Category, ListProducts};
use contract::ids::ProductId;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Engine, on_both_engines};

async fn cards_are_of_products_that_exist_sold_or_not(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let images = json!({"images": [{"url": "https://img.example/1.jpg"}]});
    let lamp = ada.make(with(product("A", "Lamp", 100), images)).await;
    let vase = ada.make(with(product("B", "Vase", 200), json!({"active": false}))).await;
    let cards = bench.peer().cards(&[vase.id, ProductId::new(), lamp.id]).await.unwrap();
    let told: Vec<_> = cards.products.iter().map(|card| (card.id, card.active, card.price.amount)).collect();
    assert_eq!((told, cards.stale), (vec![(vase.id, false, 200), (lamp.id, true, 100)], false));
    assert_eq!(cards.products[1].image.as_deref(), Some("https://img.example/1.jpg"));
    assert_eq!((cards.products[1].slug.as_str(), cards.products[1].vendor), ("lamp", ada.id));
    // Who changes something and looks at it afterwards sees it.
    ada.client.patch(&at(&lamp), json!({"price": {"amount": 150, "currency": "EUR"}})).await.expect(200);
    assert_eq!(bench.peer().cards(&[lamp.id]).await.unwrap().products[0].price.amount, 150);
    ada.client.delete(&at(&lamp)).await.expect(204);
    assert!(bench.peer().cards(&[lamp.id]).await.unwrap().products.is_empty());
}

async fn related_is_what_else_is_sold_in_the_same_categories(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, root) = (bench.vendor(), bench.admin());
    let mut categories = Vec::new();
    for name in ["Light", "Books"] {
        let made: Category =
            root.client.post("/api/v1/categories", json!({"name": name})).await.expect(201).data();
        categories.push(made.id);
    }
    let mut made = Vec::new();
    for (sku, more) in [
        ("A", json!({"category": categories[0]})),
        ("B", json!({"category": categories[0]})),
        ("C", json!({"category": categories[0], "featured": true})),
        ("D", json!({"category": categories[0], "active": false})),
        ("E", json!({"category": categories[1]})),
        ("F", json!({})),
    ] {
        bench.service.clock().advance(Duration::from_secs(1));
        let who = if sku == "C" { &root } else { &ada };
        made.push(who.make(with(product(sku, sku, 100), more)).await.id);
    }
    let related = async |products: &[ProductId], limit: u32| -> String {
        let found = bench.peer().related(products, limit).await.unwrap();
        found.products.into_iter().map(|card| card.name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(related(&made[..1], 10).await, "C B", "what is featured first");
    assert_eq!(related(&made[..1], 1).await, "C");
    assert_eq!(related(&[made[0], made[4]], 10).await, "C B");
    assert_eq!(related(&made[5..], 10).await, "", "no category has nothing else in it");
    assert_eq!(related(&[ProductId::new()], 10).await, "");
}

async fn cards_are_for_services_only(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let id = ProductId::new();
    for path in [format!("products?ids={id}"), format!("related?products={id}")] {
        for client in [bench.nobody(), bench.admin().client] {
            client
                .get(&format!("/internal/v1/catalog/{path}"))
                .await
                .expect(404)
                .refused(ErrorCode::NotFound);
        }
    }
    let too_many: Vec<ProductId> = (0..101).map(|_| ProductId::new()).collect();
    assert!(bench.peer().cards(&too_many).await.is_err() && bench.peer().cards(&[]).await.is_err());
}

async fn the_typed_client_lists_what_it_asks_for(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let mut body: Value = product("A", "Crème & Co", 100);
    body["active"] = json!(true);
    let lamp = ada.make(body).await;
    let query = ListProducts {
        search: Some("creme & c".to_owned()),
        vendor: Some(ada.id),
        min_price: Some(100),
        sort: Some("-price".to_owned()),
        ..ListProducts::default()
    };
    assert_eq!(bench.peer().products(&query).await.unwrap(), std::slice::from_ref(&lamp));
    assert_eq!(bench.peer().product(lamp.id).await.unwrap(), lamp);
    assert!(bench.peer().categories().await.unwrap().is_empty());
}

on_both_engines!(
    cards_are_of_products_that_exist_sold_or_not,
    related_is_what_else_is_sold_in_the_same_categories,
    cards_are_for_services_only,
    the_typed_client_lists_what_it_asks_for,
);

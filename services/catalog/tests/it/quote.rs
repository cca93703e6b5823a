//! What a sale is made from.

use crate::support::{Bench, PRODUCTS, at, product, with};
use contract::ErrorCode;
use contract::catalog::QuoteRequest;
use contract::ids::ProductId;
use contract::money::{Currency, Money};
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_quote_says_what_products_are_and_cost_at_this_moment(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (vendor, peer) = (bench.vendor(), bench.peer());
    let images =
        json!({"images": [{"url": "https://img.example/1.jpg"}, {"url": "https://img.example/2.jpg"}]});
    let lamp = vendor.make(with(product("LAMP", "Lamp", 1999), images)).await;
    let chair = vendor.make(with(product("CHAIR", "Chair", 100), json!({"active": false}))).await;
    // Put into the copies, which a quote must not be made from.
    vendor.client.get(&at(&lamp)).await.expect(200);
    vendor.client.patch(&at(&lamp), json!({"price": {"amount": 2099, "currency": "EUR"}})).await.expect(200);

    let request = QuoteRequest { products: vec![lamp.id, ProductId::new(), chair.id, lamp.id] };
    let mut quote = peer.quote(&request).await.unwrap().products;
    quote.sort_by_key(|quoted| quoted.product);
    let [first, second] = quote.as_slice() else { panic!("{quote:?}") };
    assert_eq!((first.product, first.sku.as_str(), first.name.as_str()), (lamp.id, "LAMP", "Lamp"));
    assert_eq!((first.price, first.price_version), (Money::new(2099, Currency::EUR), 2));
    assert_eq!((first.active, first.image.as_deref()), (true, Some("https://img.example/1.jpg")));
    assert_eq!((second.product, second.active, second.price_version), (chair.id, false, 1));

    vendor.client.delete(&at(&lamp)).await.expect(204);
    let left = peer.quote(&QuoteRequest { products: vec![lamp.id] }).await.unwrap();
    assert!(left.products.is_empty(), "what is gone is not sold");
}

async fn quotes_are_for_services_only(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let body = json!({"products": [ProductId::new()]});
    for client in [bench.nobody(), bench.admin().client] {
        let refused = client.post("/internal/v1/catalog/quote", &body).await.expect(404);
        refused.refused(ErrorCode::NotFound);
    }
    assert!(bench.peer().quote(&QuoteRequest { products: vec![] }).await.is_err());
    bench.nobody().get(&format!("{PRODUCTS}/nonsense")).await.expect(400).refused(ErrorCode::Validation);
}

on_both_engines!(a_quote_says_what_products_are_and_cost_at_this_moment, quotes_are_for_services_only);

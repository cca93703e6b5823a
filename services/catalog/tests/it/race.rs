//! What is done at the same moment.

use crate::support::{Bench, PRODUCTS, at, product};
use contract::catalog::{PriceVersion, Product};
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Answer, Engine, on_both_engines};

fn statuses(answers: &[Answer]) -> Vec<u16> {
    let mut statuses: Vec<u16> = answers.iter().map(|answer| answer.status.as_u16()).collect();
    statuses.sort_unstable();
    statuses
}

async fn one_of_many_products_of_a_number_is_made(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let made =
        join_all((0..8).map(|n| ada.client.post(PRODUCTS, product("A", &format!("Lamp {n}"), 100)))).await;
    assert_eq!(statuses(&made), [201, 409, 409, 409, 409, 409, 409, 409]);
    assert_eq!(bench.count("SELECT COUNT(*) FROM product_price").await, 1);
}

async fn many_products_of_a_name_get_a_slug_each(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let made =
        join_all((0..8).map(|n| ada.client.post(PRODUCTS, product(&format!("A{n}"), "Lamp", 100)))).await;
    assert_eq!(statuses(&made), [201; 8]);
    assert_eq!(bench.count("SELECT COUNT(DISTINCT slug) FROM product").await, 8);
}

async fn no_change_of_a_price_is_lost(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    let (lamp, path) = {
        let lamp = ada.make(product("A", "Lamp", 1)).await;
        let path = at(&lamp);
        (lamp, path)
    };
    let price = |n: i64| json!({"price": {"amount": 100 + n, "currency": "EUR"}});
    let changed = join_all((0..10).map(|n| ada.client.patch(&path, price(n)))).await;
    assert_eq!(statuses(&changed), [200; 10]);
    let now: Product = ada.client.get(&path).await.expect(200).data();
    assert_eq!((now.price_version, now.version), (11, 11));
    let prices: Vec<PriceVersion> = ada.client.get(&format!("{path}/prices")).await.expect(200).data();
    assert_eq!(prices.len(), 11);
    assert_eq!((prices[0].version, prices[0].price), (11, now.price));
    assert_eq!(lamp.price_version, 1);
}

async fn one_of_two_takes_a_slug(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.vendor();
    for round in 0..5 {
        let mut paths = Vec::new();
        for n in 0..3 {
            paths.push(at(&ada.make(product(&format!("P-{round}-{n}"), "Lamp", 1)).await));
        }
        let slug = json!({"slug": format!("wanted-{round}")});
        let changed = join_all(paths.iter().map(|path| ada.client.patch(path, &slug))).await;
        assert_eq!(statuses(&changed), [200, 409, 409]);
    }
}

on_both_engines!(
    one_of_many_products_of_a_number_is_made,
    many_products_of_a_name_get_a_slug_each,
    no_change_of_a_price_is_lost,
    one_of_two_takes_a_slug,
);

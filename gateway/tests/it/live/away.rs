//! What clients find while the database of the gateway is away, and once it is back.

use super::house::{House, created, heard, last_words, subscribe};
use chassis::db::q;
use contract::ids::OrderId;
use serde_json::json;
use std::time::Duration;
use testkit::ws::Heard;
use testkit::{Engine, eventually, on_both_engines};

async fn who_is_connected_stays_and_who_comes_back_is_told_to_come_later(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let ada = house.person(&[]);
    let mut socket = house.told(&ada, &["orders"]).await;
    house.publish(&created(OrderId::new(), ada.id)).await;
    let position = heard(&mut socket).await["position"].as_str().unwrap().to_owned();

    // Every statement about the history fails from here on.
    let db = house.door.db("gateway");
    q!(db.write, execute, "ALTER TABLE live_head RENAME TO live_head_away").unwrap();
    let missed = OrderId::new();
    house.publish(&created(missed, ada.id)).await;
    let failed = "SELECT count(*) FROM inbox WHERE status = 'pending' AND cause IS NOT NULL";
    eventually(async || q!(db.read, scalar, failed).unwrap_or(0_i64) == 1).await;
    let mut back = house.connect(&ada).await;
    subscribe(&mut back, &["orders"], Some(&position)).await;
    let (last, end) = last_words(&mut back).await;
    assert_eq!(last["type"], "bye", "{last}");
    assert!(last["retryAfterMs"].as_u64().is_some_and(|pause| pause >= 500), "{last}");
    assert_eq!(end, Heard::Closed(1001, "come back".to_owned()));
    // What happens from now on needs no history.
    house.told(&ada, &["orders"]).await;

    q!(db.write, execute, "ALTER TABLE live_head_away RENAME TO live_head").unwrap();
    // The time stands still in a test, and the event waits for its next try.
    house.door.clock().advance(Duration::from_secs(1));
    let told = heard(&mut socket).await;
    assert_eq!((&told["type"], &told["id"]), (&json!("message"), &json!(missed)));
    let mut back = house.connect(&ada).await;
    subscribe(&mut back, &["orders"], Some(&position)).await;
    let told = heard(&mut back).await;
    assert_eq!((&told["type"], &told["id"]), (&json!("message"), &json!(missed)), "nothing is lost");
}

async fn ordinary_requests_do_not_need_it(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    house.door.db("gateway").close().await;
    let client = house.door.client();
    client.get("/").await.expect(200);
    client.get("/openapi.json").await.expect(200);
}

on_both_engines!(
    who_is_connected_stays_and_who_comes_back_is_told_to_come_later,
    ordinary_requests_do_not_need_it,
);

//! Money goes over in five steps, or stays where it was.

use serde_json::{Value, json};
use std::time::Duration;
use testkit::tiny::{Counter, Ledger};
use testkit::{Client, Engine, Setup, TestService, eventually, on_both_engines};
use uuid::Uuid;

const OPENED_WITH: i64 = 1_000_000;

async fn start(engine: Engine) -> Option<TestService> {
    let setup = Setup::of::<Ledger>().and::<Counter>();
    setup.set("BOWLINE_SAGA__POLL_MS", "20").start(engine).await
}

async fn transfer(client: &Client, amount: i64, refuse: Option<&str>) -> Uuid {
    let id = Uuid::now_v7();
    let asked = json!({"id": id, "source": "ada", "target": "bob", "amount": amount, "refuse": refuse});
    client.post("/api/v1/ledger/transfers", &asked).await.expect(202);
    // Once more: it is the same transfer.
    client.post("/api/v1/ledger/transfers", &asked).await.expect(202);
    id
}

async fn ended(service: &TestService, id: Uuid) -> String {
    let (client, path) = (service.client(), format!("/api/v1/ledger/transfers/{id}"));
    eventually(|| async {
        service.clock().advance(Duration::from_millis(100));
        let transfer: Value = client.get(&path).await.expect(200).data();
        let state = transfer["state"].as_str().unwrap().to_owned();
        if state == "open" { Err(state) } else { Ok(state) }
    })
    .await
}

async fn money(client: &Client, service: &str) -> Value {
    let audit: Value = client.get(&format!("/api/v1/{service}/audit")).await.expect(200).data();
    audit["money"].clone()
}

async fn a_transfer_moves_the_money_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    let id = transfer(&client, 300, None).await;
    assert_eq!(ended(&service, id).await, "done");
    let (ledger, counter) = (money(&client, "ledger").await, money(&client, "counter").await);
    assert_eq!((&ledger["balance"], &ledger["held"]), (&json!(OPENED_WITH - 300), &json!(0)), "{ledger}");
    assert_eq!((&ledger["sent"], &counter["balance"]), (&json!(300), &json!(300)));
    assert_eq!((&ledger["doubled"], &counter["doubled"]), (&json!(0), &json!(0)));
}

async fn a_no_at_any_step_leaves_everything_as_it_was(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    for step in ["hold", "reserve", "deposit", "settle", "record"] {
        let id = transfer(&client, 300, Some(step)).await;
        assert_eq!(ended(&service, id).await, "undone", "{step}");
        let (ledger, counter) = (money(&client, "ledger").await, money(&client, "counter").await);
        let left = (&ledger["balance"], &ledger["held"], &ledger["sent"], &counter["balance"]);
        assert_eq!(
            left,
            (&json!(OPENED_WITH), &json!(0), &json!(0), &json!(0)),
            "{step}: {ledger} {counter}"
        );
        assert_eq!((&counter["reserved"], &counter["deposited"]), (&json!(0), &json!(0)), "{step}");
    }
}

async fn more_than_there_is_cannot_be_transferred(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    let id = transfer(&client, OPENED_WITH + 1, None).await;
    assert_eq!(ended(&service, id).await, "undone");
}

async fn what_arrives_after_its_undo_is_refused(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (client, id) = (service.client(), Uuid::now_v7());
    let asked = json!({"purse": "bob", "amount": 5, "refuse": false});
    let asks = [
        ("reserve", 200),
        ("withdraw", 200),
        ("deposit", 409),
        ("cancel", 200),
        ("reserve", 409),
        ("cancel", 200),
    ];
    for (what, status) in asks {
        client.post(&format!("/api/v1/counter/transfers/{id}/{what}"), &asked).await.expect(status);
    }
    assert_eq!(money(&client, "counter").await["balance"], 0);
}

on_both_engines!(
    a_transfer_moves_the_money_once,
    a_no_at_any_step_leaves_everything_as_it_was,
    more_than_there_is_cannot_be_transferred,
    what_arrives_after_its_undo_is_refused,
);

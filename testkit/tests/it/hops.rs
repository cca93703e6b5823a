//! An entry goes to the counter and comes back, once.

use chassis::clock::Ts;
use chassis::db::{Db, q};
use serde_json::{Value, json};
use testkit::tiny::{Counter, Ledger};
use testkit::{Client, Engine, Setup, TestService, eventually, on_both_engines};
use uuid::Uuid;

async fn start(engine: Engine) -> Option<TestService> {
    let short =
        [("FIRST_PAUSE_MS", "10"), ("LONGEST_PAUSE_MS", "20"), ("MAX_ATTEMPTS", "5"), ("POLL_MS", "20")];
    let setup = Setup::of::<Ledger>().and::<Counter>();
    let set = |setup: Setup, (name, value)| setup.set(&format!("BOWLINE_DELIVERY__{name}"), value);
    short.into_iter().fold(setup, set).start(engine).await
}

async fn post(client: &Client, account: &str, amount: i64, trouble: Value) -> Uuid {
    let id = Uuid::now_v7();
    let asked = json!({"id": id, "account": account, "amount": amount, "trouble": trouble});
    client.post("/api/v1/ledger/entries", asked).await.expect(201);
    id
}

async fn audit(client: &Client, service: &str) -> Value {
    client.get(&format!("/api/v1/{service}/audit")).await.expect(200).data()
}

/// Waits until so many lines are in both logs and nothing is under way. Retries come due as the clock moves.
async fn through(service: &TestService, lines: u64) {
    let client = service.client();
    eventually(|| async {
        service.clock().advance(std::time::Duration::from_millis(50));
        let (ledger, counter) = (audit(&client, "ledger").await, audit(&client, "counter").await);
        let idle = |audit: &Value| audit["waiting"]["outbox"] == 0 && audit["waiting"]["pending"] == 0;
        let arrived = counter["counted"]["lines"] == lines && ledger["returned"]["lines"] == lines;
        if arrived && idle(&ledger) && idle(&counter) { Ok(()) } else { Err((ledger, counter)) }
    })
    .await;
}

async fn an_entry_is_counted_once_and_comes_back_once(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    for amount in 1..=20 {
        post(&client, if amount % 2 == 0 { "ada" } else { "bob" }, amount, json!("none")).await;
    }
    through(&service, 20).await;
    for (name, log) in [("ledger", "returned"), ("counter", "counted")] {
        let audit = audit(&client, name).await;
        let expected = json!({
            "lines": 20, "different": 20, "sum": 210, "tallied": 20, "talliedSum": 210, "late": 0, "gaps": 0
        });
        assert_eq!(audit[log], expected, "{name}");
    }
}

async fn what_failed_left_nothing_behind_and_keeps_its_place(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    post(&client, "ada", 1, json!({"fails": 3})).await;
    post(&client, "ada", 2, json!("none")).await;
    through(&service, 2).await;
    let counted = &audit(&client, "counter").await["counted"];
    assert_eq!(
        (&counted["different"], &counted["late"], &counted["gaps"]),
        (&json!(2), &json!(0), &json!(0))
    );
}

async fn poison_is_given_up_and_stops_nobody(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    post(&client, "ada", 1, json!("rejected")).await;
    post(&client, "bob", 2, json!("poison")).await;
    post(&client, "bob", 3, json!("none")).await;
    post(&client, "eve", 4, json!("none")).await;
    through(&service, 2).await;
    let counter = audit(&client, "counter").await;
    assert_eq!(
        (&counter["waiting"]["dead"], &counter["counted"]["sum"]),
        (&json!(2), &json!(7)),
        "{counter}"
    );
}

/// Puts an event of another release into the outbox, as that release would have.
async fn publish_as_another_release(db: &Db, now: Ts, kind: &str, data: &Value) {
    let id = Uuid::now_v7();
    let body = json!({
        "specversion": "1.0", "id": id, "source": "/ledger", "type": kind, "subject": "ada",
        "time": "2026-01-01T00:00:00Z", "datacontenttype": "application/json", "data": data,
    });
    let insert = "INSERT INTO outbox (shard, topic, event_key, event_id, body, created_at) \
        VALUES ($1, 'entry', 'ada', $2, $3, $4)";
    assert_eq!(q!(db.write, execute, insert, 0_i64, id, body.to_string(), now).unwrap(), 1);
}

async fn an_event_of_an_older_release_is_counted_and_one_of_a_newer_waits(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (db, now) = (service.db("ledger"), service.clock().now());
    let old = json!({"id": Uuid::now_v7(), "account": "ada", "cents": 12});
    publish_as_another_release(db, now, "entry.posted.v1", &old).await;
    let new = json!({"id": Uuid::now_v7(), "account": "ada", "amount": {"minor": 5}});
    publish_as_another_release(db, now, "entry.posted.v3", &new).await;
    let client = service.client();
    eventually(|| async {
        service.clock().advance(std::time::Duration::from_millis(50));
        let counter = audit(&client, "counter").await;
        let state = (&counter["counted"]["sum"], &counter["waiting"]["pending"], &counter["waiting"]["dead"]);
        if state == (&json!(12), &json!(1), &json!(0)) { Ok(()) } else { Err(counter) }
    })
    .await;
}

on_both_engines!(
    an_entry_is_counted_once_and_comes_back_once,
    what_failed_left_nothing_behind_and_keeps_its_place,
    poison_is_given_up_and_stops_nobody,
    an_event_of_an_older_release_is_counted_and_one_of_a_newer_waits,
);

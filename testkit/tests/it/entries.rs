//! What the ledger takes.

use serde_json::{Value, json};
use testkit::tiny::{Counter, Entry, Ledger};
use testkit::{Engine, Setup, TestService, on_both_engines};
use uuid::Uuid;

const ENTRIES: &str = "/api/v1/ledger/entries";

async fn start(engine: Engine) -> Option<TestService> {
    Setup::of::<Ledger>().and::<Counter>().start(engine).await
}

async fn an_entry_is_taken_once_however_often_it_is_sent(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (client, id) = (service.client(), Uuid::now_v7());
    let asked = json!({"id": id, "account": "ada", "amount": 250});
    let first: Entry = client.post(ENTRIES, &asked).await.expect(201).data();
    let again: Entry = client.post(ENTRIES, &asked).await.expect(200).data();
    assert_eq!((first.sequence, &first), (1, &again));
    let audit: Value = client.get("/api/v1/ledger/audit").await.expect(200).data();
    assert_eq!((&audit["entries"], &audit["sum"], &audit["numbered"]), (&json!(1), &json!(250), &json!(1)));
}

async fn the_same_id_with_other_contents_is_a_conflict(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (client, id) = (service.client(), Uuid::now_v7());
    client.post(ENTRIES, json!({"id": id, "account": "ada", "amount": 1})).await.expect(201);
    for other in [
        json!({"id": id, "account": "ada", "amount": 2}),
        json!({"id": id, "account": "bob", "amount": 1}),
        json!({"id": id, "account": "ada", "amount": 1, "trouble": "poison"}),
    ] {
        client.post(ENTRIES, other).await.expect(409);
    }
}

async fn the_same_id_at_the_same_time_is_one_entry(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let (client, id) = (service.client(), Uuid::now_v7());
    let asked = json!({"id": id, "account": "ada", "amount": 3});
    let ask = || async { client.post(ENTRIES, &asked).await.status.as_u16() };
    let answers = tokio::join!(ask(), ask(), ask(), ask());
    let mut answers = [answers.0, answers.1, answers.2, answers.3];
    answers.sort_unstable();
    assert_eq!(answers, [200, 200, 200, 201]);
    let next: Entry =
        client.post(ENTRIES, json!({"id": Uuid::now_v7(), "account": "ada", "amount": 1})).await.data();
    assert_eq!(next.sequence, 2, "a number was taken without an entry");
}

async fn each_account_has_numbers_of_its_own(engine: Engine) {
    let Some(service) = start(engine).await else { return };
    let client = service.client();
    let mut numbers = Vec::new();
    for account in ["ada", "bob", "ada"] {
        let asked = json!({"id": Uuid::now_v7(), "account": account, "amount": 1});
        numbers.push(client.post(ENTRIES, asked).await.expect(201).data::<Entry>().sequence);
    }
    assert_eq!(numbers, [1, 1, 2]);
    let all: Vec<Entry> = client.get(ENTRIES).await.expect(200).data();
    assert_eq!(all.len(), 3);
    let after = all.first().unwrap().id;
    let rest: Vec<Entry> = client.get(&format!("{ENTRIES}?after={after}")).await.expect(200).data();
    assert_eq!(rest, all[1..]);
}

on_both_engines!(
    an_entry_is_taken_once_however_often_it_is_sent,
    the_same_id_with_other_contents_is_a_conflict,
    the_same_id_at_the_same_time_is_one_entry,
    each_account_has_numbers_of_its_own,
);

//! Many requests with one key at the same time.

use super::till::{COINS, GROUPED, Till};
use super::{House, coin, coins, is_replayed, post, take, troubled};
use contract::error::ErrorCode;
use futures_util::future::join_all;
use testkit::{Answer, Client, Databases, Engine, Setup, eventually, on_both_engines};
use uuid::Uuid;

const MANY: usize = 100;

/// Sends the same request with one key a hundred times at once, by turns through these clients, and looks at what came of
/// it: one answer, which is also what everybody gets who asks again.
async fn hundred(clients: &[Client], path: &str) -> Answer {
    let (key, body) = (Uuid::now_v7().to_string(), coin(5));
    let asking = clients.iter().cycle().take(MANY).map(|client| post(client, path, &key, &body));
    let (done, refused): (Vec<_>, Vec<_>) =
        join_all(asking).await.into_iter().partition(|answer| answer.status == 201);
    let (first, again): (Vec<_>, Vec<_>) = done.into_iter().partition(|answer| !is_replayed(answer));
    assert_eq!(first.len(), 1, "so many were told that it was done this time");
    for refused in refused {
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=32).contains(&wait), "{wait}");
        refused.refused(ErrorCode::RequestInProgress);
    }
    let first = first.into_iter().next().unwrap();
    let later = join_all(clients.iter().map(|client| post(client, path, &key, &body))).await;
    for answer in again.iter().chain(&later) {
        assert!(is_replayed(answer));
        assert_eq!((answer.status, &answer.body), (first.status, &first.body));
        for header in ["location", "etag", "content-type"] {
            assert_eq!(answer.header(header), first.header(header), "{header}");
        }
    }
    first
}

async fn a_hundred_requests_with_one_key_are_one_effect_and_one_answer(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let answer = hundred(&[house.client()], COINS).await;
    assert_eq!(answer.json()["data"]["amount"], 5);
    assert_eq!(house.coins().await, 1);
    hundred(&[house.client()], GROUPED).await;
    assert_eq!(house.coins().await, 2);
}

async fn a_hundred_requests_with_keys_of_their_own_are_a_hundred_effects(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (client, body) = (house.client(), coin(5));
    let keys: Vec<String> = (0..MANY).map(|number| format!("key-{number}")).collect();
    for path in [COINS, GROUPED] {
        let answers = join_all(keys.iter().map(|key| post(&client, path, key, &body))).await;
        assert!(answers.iter().all(|answer| answer.status == 201 && !is_replayed(answer)));
    }
    assert_eq!(house.coins().await, 2 * MANY as i64);
}

#[tokio::test]
async fn a_hundred_requests_over_two_replicas_are_one_effect_and_one_answer() {
    let Some(databases) = Databases::on_postgres() else { return };
    let replica = || Setup::of::<Till>().set("DATABASE_URL", databases.url()).build();
    // One after the other: the first makes the database.
    let replicas = [replica().await, replica().await];
    let clients = replicas.each_ref().map(|replica| replica.client());
    for path in [COINS, GROUPED, COINS] {
        hundred(&clients, path).await;
    }
    assert_eq!(coins(replicas[1].db("till")).await, 3);
}

async fn who_comes_while_the_first_is_at_work_is_told_to_wait(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (client, gate) = (house.client(), troubled("gate"));
    let (first, ()) = tokio::join!(take(&client, "key", &gate), async {
        house.until_running(1).await;
        let refused = take(&client, "key", &gate).await;
        assert_eq!(refused.header("retry-after"), Some("1"));
        refused.refused(ErrorCode::RequestInProgress);
        // It waits as long again as the first has been at work, but not longer than its lease.
        house.service.clock().advance(std::time::Duration::from_secs(10));
        let later = take(&client, "key", &gate).await;
        assert_eq!(later.header("retry-after"), Some("10"));
        house.service.clock().advance(std::time::Duration::from_secs(15));
        let wait: u64 = take(&client, "key", &gate).await.header("retry-after").unwrap().parse().unwrap();
        assert!(wait <= 7, "{wait}");
        open_until_done(&house).await;
    });
    first.expect(201);
    assert_eq!(house.coins().await, 1);
}

async fn open_until_done(house: &House) {
    eventually(|| async {
        house.open_gate();
        let running = house.running().await;
        if running == 0 { Ok(()) } else { Err(running) }
    })
    .await;
}

async fn who_is_overtaken_has_no_effect(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (client, gate) = (house.client(), troubled("gate"));
    let (overtaken, second) = tokio::join!(take(&client, "key", &gate), async {
        house.until_running(1).await;
        // As if the request had stood still for longer than it may take.
        house.service.clock().advance(std::time::Duration::from_secs(60));
        let second = take(&client, "key", &coin(2)).await.expect(201);
        house.open_gate();
        second
    });
    overtaken.refused(ErrorCode::RequestInProgress);
    assert!(!is_replayed(&second));
    let again = take(&client, "key", &coin(2)).await.expect(201);
    assert!(is_replayed(&again));
    assert_eq!((again.body, house.coins().await), (second.body, 1));
}

on_both_engines!(
    a_hundred_requests_with_one_key_are_one_effect_and_one_answer,
    a_hundred_requests_with_keys_of_their_own_are_a_hundred_effects,
    who_comes_while_the_first_is_at_work_is_told_to_wait,
    who_is_overtaken_has_no_effect,
);

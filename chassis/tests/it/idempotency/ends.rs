//! How a key becomes free again: errors, panics, clients that go away, deadlines, processes that die, and time.

use super::{House, coin, is_replayed, post, take, troubled};
use crate::idempotency::till::{COINS, Till};
use chassis::clock::Clock;
use chassis::config::Sources;
use chassis::db::q;
use chassis::run::{Assembled, Platform, Targets};
use chassis::service::Registration;
use chassis::stop;
use contract::error::ErrorCode;
use http::Method;
use std::time::Duration;
use testkit::{Client, Engine, Folder, eventually, on_both_engines};

/// Waits until no request is at work any more, and sends the key with another request: it must be as good as new.
async fn is_free(house: &House) {
    house.until_running(0).await;
    let next = take(&house.client(), "key", &coin(7)).await.expect(201);
    assert!(!is_replayed(&next));
    assert_eq!(house.coins().await, 1);
}

async fn an_error_frees_the_key(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    take(&house.client(), "key", &troubled("fail")).await.refused(ErrorCode::Conflict);
    assert_eq!(house.running().await, 0, "it is free before the error is answered");
    take(&house.client(), "key", &coin(-1)).await.refused(ErrorCode::Validation);
    is_free(&house).await;
}

async fn a_panic_frees_the_key(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    take(&house.client(), "key", &troubled("panic")).await.refused(ErrorCode::Internal);
    is_free(&house).await;
}

async fn a_deadline_frees_the_key(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    let ask = client.request(Method::POST, COINS).header("idempotency-key", "key");
    let ask = ask.header("x-request-timeout-ms", "100").json(troubled("hang"));
    ask.send().await.refused(ErrorCode::DeadlineExceeded);
    is_free(&house).await;
}

async fn a_client_that_goes_away_frees_the_key(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (client, hang) = (house.client(), troubled("hang"));
    tokio::select! {
        _ = take(&client, "key", &hang) => panic!("it never ends"),
        () = house.until_running(1) => {}
    }
    is_free(&house).await;
}

async fn a_handler_that_forgets_to_commit_with_the_key_protects_nothing_and_keeps_nothing(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    take(&house.client(), "key", &troubled("forget")).await.expect(200);
    assert_eq!(house.records().await, 0);
    is_free(&house).await;
}

async fn an_answer_is_kept_as_long_as_it_says_and_removed_without_anybody_writing(engine: Engine) {
    let sweep = |setup: testkit::Setup| {
        setup.set("BOWLINE_IDEMPOTENCY__SWEEP_SECS", "1").set("BOWLINE_IDEMPOTENCY__KEEP_HOURS", "2")
    };
    let Some(house) = House::start_with(engine, sweep).await else { return };
    let (client, hour) = (house.client(), Duration::from_secs(3_600));
    let first = take(&client, "key", &coin(1)).await.expect(201);
    house.service.clock().advance(hour + hour / 2);
    assert_eq!(take(&client, "key", &coin(1)).await.expect(201).body, first.body);
    assert_eq!(house.records().await, 1);
    house.service.clock().advance(hour / 2);
    eventually(|| async {
        let records = house.records().await;
        if records == 0 { Ok(()) } else { Err(records) }
    })
    .await;
    let next = take(&client, "key", &coin(1)).await.expect(201);
    assert!(!is_replayed(&next) && next.body != first.body);
    assert_eq!(house.coins().await, 2);
}

async fn what_is_over_is_as_good_as_new_whether_it_is_removed_or_not(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    take(&client, "key", &coin(1)).await.expect(201);
    house.service.clock().advance(Duration::from_secs(24 * 3_600));
    let next = take(&client, "key", &coin(2)).await.expect(201);
    assert!(!is_replayed(&next));
    assert!(is_replayed(&take(&client, "key", &coin(2)).await.expect(201)));
    assert_eq!(house.coins().await, 2);
}

async fn the_lease_of_a_process_that_died_ends(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let client = house.client();
    take(&client, "key", &coin(1)).await.expect(201);
    // As the process leaves it that dies at work: reserved by nobody who lives, and nothing done.
    let db = house.db();
    let undone = "UPDATE idempotency SET status = NULL, headers = NULL, body = NULL, free_at = $1";
    let free_at = house.service.clock().now() + Duration::from_secs(32);
    q!(db.write, execute, undone, free_at).unwrap();
    q!(db.write, execute, "DELETE FROM coin").unwrap();
    house.service.clock().advance(Duration::from_secs(31));
    take(&client, "key", &coin(1)).await.refused(ErrorCode::RequestInProgress);
    house.service.clock().advance(Duration::from_secs(1));
    assert!(!is_replayed(&take(&client, "key", &coin(1)).await.expect(201)));
    assert_eq!(house.coins().await, 1);
}

/// A till on an SQLite file, as a process that begins.
async fn begin(folder: &Folder, clock: &Clock) -> (Assembled, stop::Stopper) {
    let services = [Registration::of::<Till>()];
    let data = folder.path().display().to_string();
    let settings = Sources::from_parts(None, [("DATA_DIR".to_owned(), data)].to_vec());
    let platform = Platform::load(&services, settings).unwrap();
    let targets = Targets::parse("all", &services).unwrap();
    let (stopper, stop) = stop::channel();
    (Assembled::of(platform, &targets, None, clock.clone(), stop).await.unwrap(), stopper)
}

#[tokio::test]
async fn a_process_that_begins_on_a_file_frees_what_the_last_one_left_at_work() {
    let (folder, clock) = (Folder::new("till").unwrap(), Clock::manual(Clock::system().now()));
    let (first, stopper) = begin(&folder, &clock).await;
    let client = Client::in_process(first.front());
    let answer = post(&client, COINS, "done", &coin(1)).await.expect(201);
    let db = first.database("till").unwrap();
    let at_work = "INSERT INTO idempotency (id, fingerprint, fence, reserved_at, free_at) VALUES (x'01', x'02', x'03', $1, $2)";
    let (now, later) = (clock.now(), clock.now() + Duration::from_secs(32));
    q!(db.write, execute, at_work, now, later).unwrap();
    drop((first, stopper));
    clock.advance(Duration::from_secs(1));
    let (second, _stopper) = begin(&folder, &clock).await;
    let db = second.database("till").unwrap().clone();
    eventually(|| async {
        let rows: Vec<(Option<i64>,)> = q!(db.read, fetch_all, "SELECT status FROM idempotency").unwrap();
        if rows == [(Some(201),)] { Ok(()) } else { Err(rows) }
    })
    .await;
    let again = post(&Client::in_process(second.front()), COINS, "done", &coin(1)).await.expect(201);
    assert_eq!((is_replayed(&again), again.body), (true, answer.body));
}

#[tokio::test]
async fn how_requests_with_a_key_went_is_counted() {
    let lines = crate::house::Lines::capture("warn");
    let house = House::start(Engine::Sqlite).await.unwrap();
    let client = house.client();
    take(&client, "key", &coin(1)).await.expect(201);
    take(&client, "key", &coin(1)).await.expect(201);
    take(&client, "key", &coin(2)).await.expect(422);
    post(&client, super::till::DEAF, "key", &coin(1)).await.expect(201);
    take(&client, "forgetful", &troubled("forget")).await.expect(200);
    let counted = |outcome: &str| {
        let labels = ["service=\"till\"", &format!("outcome=\"{outcome}\"")];
        lines.metric("idempotency_requests_total", &labels)
    };
    assert_eq!(["first", "replayed", "reused", "ignored"].map(counted), [2.0, 1.0, 1.0, 1.0].map(Some));
    assert!(lines.text().contains("did not commit with it"), "{}", lines.text());
}

on_both_engines!(
    an_error_frees_the_key,
    a_panic_frees_the_key,
    a_deadline_frees_the_key,
    a_client_that_goes_away_frees_the_key,
    a_handler_that_forgets_to_commit_with_the_key_protects_nothing_and_keeps_nothing,
    an_answer_is_kept_as_long_as_it_says_and_removed_without_anybody_writing,
    what_is_over_is_as_good_as_new_whether_it_is_removed_or_not,
    the_lease_of_a_process_that_died_ends,
);

//! Nothing is lost, nothing takes effect twice, and order is kept by key.

use super::house::{House, ItemSold, on_every_bus};
use bytes::Bytes;
use chassis::bus::{Bus, BusConfig, Record};
use chassis::clock::Clock;
use chassis::db::Synchronous;
use contract::event::CloudEvent;
use futures_util::future::join_all;
use testkit::{Engine, eventually};
use uuid::Uuid;

on_every_bus!(
    every_event_takes_effect_once_and_in_order_by_key,
    an_event_of_a_transaction_that_was_undone_is_never_heard_of,
    an_event_carries_its_trace_and_correlation_to_what_it_causes,
    nothing_is_kept_of_an_event_that_is_not_wanted_but_how_far_was_read,
);

async fn every_event_takes_effect_once_and_in_order_by_key(house: House) {
    let items = ["a", "b", "c", "d", "e"];
    join_all(items.map(|item| {
        let house = &house;
        async move {
            for number in 0..20_i64 {
                house.sell(item, &[2 * number, 2 * number + 1], "").await;
            }
        }
    }))
    .await;
    let all: Vec<i64> = (0..40).collect();
    for item in items {
        house.until(item, &all).await;
    }
    // What the handler published went the same way back.
    eventually(|| async {
        let heard = house.effects("shop").await;
        if heard.len() == 200 { Ok(()) } else { Err(heard.len()) }
    })
    .await;
    let heard = house.effects("shop").await;
    for item in items {
        let numbers: Vec<i64> = heard.iter().filter(|e| e.item == item).map(|e| e.number).collect();
        assert_eq!(numbers, all, "{item}");
    }
    // The outbox is empty again.
    for service in ["shop", "stats"] {
        let db = house.service.db(service);
        eventually(|| async {
            let left: i64 = chassis::q!(db.read, scalar, "SELECT count(*) FROM outbox").unwrap();
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
    }
}

async fn an_event_of_a_transaction_that_was_undone_is_never_heard_of(house: House) {
    house.post("a", &[1], "", true).await;
    house.sell("a", &[2], "").await;
    house.until("a", &[2]).await;
}

async fn an_event_carries_its_trace_and_correlation_to_what_it_causes(house: House) {
    let body = serde_json::json!({"item": "a", "numbers": [1], "trouble": "", "undo": false});
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = house.client.request(http::Method::POST, "/api/v1/shop/sales").json(body);
    let request = request.header("traceparent", &format!("00-{trace}-00f067aa0ba902b7-01"));
    request.header("x-correlation-id", "the-whole-story").send().await.expect(201);
    let counted = eventually(|| async { house.effects("stats").await.pop() }).await;
    let heard = eventually(|| async { house.effects("shop").await.pop() }).await;
    for effect in [counted, heard] {
        assert_eq!((effect.trace.as_str(), effect.correlation.as_str()), (trace, "the-whole-story"));
    }
}

async fn nothing_is_kept_of_an_event_that_is_not_wanted_but_how_far_was_read(house: House) {
    house.sell("a", &[1, 2], "pass by").await;
    let db = house.service.db("stats");
    eventually(|| async {
        let sql = "SELECT position FROM inbox_position WHERE handler = 'count-sales'";
        let noted: Option<(i64,)> = chassis::q!(db.read, fetch_optional, sql).unwrap();
        noted.ok_or(())
    })
    .await;
    let kept: i64 = chassis::q!(db.read, scalar, "SELECT count(*) FROM inbox").unwrap();
    assert_eq!((kept, house.counted("a").await), (0, vec![]));
    house.sell("a", &[3], "").await;
    house.until("a", &[3]).await;
}

/// The embedded bus of a house, as a stranger would write on it.
async fn bus_of(house: &House) -> Bus {
    let folder = house.service.folder().join("data");
    Bus::open(&BusConfig::default(), &folder, Synchronous::Normal, Clock::system()).await.unwrap()
}

fn record(id: Uuid, body: impl Into<Bytes>) -> Record {
    Record { topic: "item".into(), key: "a".into(), id, body: body.into() }
}

fn event(number: i64) -> CloudEvent {
    let sold = ItemSold { item: "a".to_owned(), number, trouble: String::new() };
    CloudEvent::of(&sold, Uuid::now_v7(), "/shop", Clock::system().now().to_datetime()).unwrap()
}

async fn publish(bus: &Bus, events: &[CloudEvent]) {
    let records: Vec<Record> = events.iter().map(|e| record(e.id, e.to_json().unwrap())).collect();
    assert!(bus.publish(&records).await.iter().all(Result::is_ok));
}

async fn house() -> House {
    House::start(Engine::Sqlite, super::house::On::Embedded).await.unwrap()
}

#[tokio::test]
async fn an_event_that_is_delivered_again_takes_effect_once() {
    let (house, first, second) = (house().await, event(1), event(2));
    let bus = bus_of(&house).await;
    publish(&bus, std::slice::from_ref(&first)).await;
    house.until("a", &[1]).await;
    publish(&bus, &[first.clone(), first, second]).await;
    house.until("a", &[1, 2]).await;
}

#[tokio::test]
async fn events_that_are_published_twice_and_late_on_purpose_take_effect_once_and_in_order() {
    let trial = [("BOWLINE_DELIVERY__REPEAT_PERCENT", "100"), ("BOWLINE_DELIVERY__HOLD_BACK_MS", "50")];
    let house = House::start_with(Engine::Sqlite, super::house::On::Embedded, &trial).await.unwrap();
    for number in 0..20 {
        house.sell("a", &[number], "").await;
    }
    house.until("a", &(0..20).collect::<Vec<_>>()).await;
    let mut reader = bus_of(&house).await.reader("item", "trial", &[]).await.unwrap();
    let mut published = 0;
    while published < 40 {
        published += reader.next(100).await.unwrap().len();
    }
    assert_eq!(house.counted("a").await.len(), 20, "each was there twice and counted once");
}

#[tokio::test]
async fn an_event_of_an_old_version_is_read_as_one_of_today() {
    let house = house().await;
    let mut old = event(7);
    old.kind = "item.sold.v1".to_owned();
    old.data = serde_json::value::to_raw_value(&serde_json::json!({"item": "a", "number": 7})).unwrap();
    publish(&bus_of(&house).await, &[old]).await;
    house.until("a", &[7]).await;
}

#[tokio::test]
async fn an_event_of_an_unknown_newer_version_is_kept_with_its_key_and_other_keys_go_on() {
    let house = house().await;
    let (mut newer, later) = (event(1), event(2));
    newer.kind = "item.sold.v3".to_owned();
    publish(&bus_of(&house).await, &[newer, later]).await;
    house.sell("b", &[5], "").await;
    house.until("b", &[5]).await;
    let db = house.service.db("stats");
    let parked =
        "SELECT count(*) FROM inbox WHERE status = 'pending' AND attempts = 0 AND cause LIKE 'parked: %'";
    eventually(|| async {
        let count: i64 = chassis::q!(db.read, scalar, parked).unwrap();
        count == 1
    })
    .await;
    assert!(house.counted("a").await.is_empty(), "what comes behind it waits");
    // A release that knows the version finds it whole: here it is as if the version had become known.
    let sql =
        "UPDATE inbox SET body = replace(body, 'item.sold.v3', 'item.sold.v2') WHERE cause LIKE 'parked: %'";
    chassis::q!(db.write, execute, sql).unwrap();
    house.pass_a_pause();
    house.until("a", &[1, 2]).await;
}

#[tokio::test]
async fn a_record_that_is_no_event_is_a_dead_letter_and_stops_nothing() {
    let house = house().await;
    let bus = bus_of(&house).await;
    let nonsense = record(Uuid::now_v7(), "this is no event");
    assert!(bus.publish(&[nonsense]).await.iter().all(Result::is_ok));
    publish(&bus, &[event(3)]).await;
    house.until("a", &[3]).await;
    let letters = house.until_dead(1).await;
    assert_eq!(letters[0].body, "this is no event");
    assert!(letters[0].cause.as_ref().unwrap().contains("envelope"), "{letters:?}");
}

//! Server-sent events.

use super::house::{House, created};
use contract::auth::Revoked;
use contract::identity::Role;
use contract::ids::OrderId;
use serde_json::Value;
use std::time::Duration;
use testkit::{Engine, Wire, on_both_engines};
use tokio::time::timeout;

const LONG: Duration = Duration::from_secs(20);

/// An open stream.
struct Stream(Wire);

/// An event of it.
#[derive(Debug)]
struct Told {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Stream {
    async fn open(house: &House, token: &str, query: &str, lines: &str) -> Self {
        let mut wire = Wire::connect(house.at.address()).await.unwrap();
        let ask = format!(
            "GET /api/v1/stream?{query} HTTP/1.1\r\nhost: x\r\naccept-encoding: gzip\r\nauthorization: Bearer {token}\r\n{lines}\r\n"
        );
        wire.write(&ask).await.unwrap();
        let head = timeout(LONG, wire.head()).await.unwrap().unwrap();
        assert!(
            head.starts_with("HTTP/1.1 200") && head.contains("content-type: text/event-stream"),
            "{head}"
        );
        assert!(head.contains("cache-control: no-store") && head.contains("x-accel-buffering: no"), "{head}");
        timeout(LONG, wire.until("retry: ")).await.unwrap().unwrap();
        Self(wire)
    }

    /// The next event that is no sign of life.
    async fn next(&mut self) -> Told {
        loop {
            timeout(LONG, self.0.until("event: ")).await.unwrap().unwrap();
            let event = timeout(LONG, self.0.until("\n\n")).await.unwrap().unwrap();
            let (name, rest) = event.split_once('\n').unwrap();
            let line = |what: &str| rest.lines().find_map(|line| line.strip_prefix(what)).map(str::to_owned);
            let told = Told {
                name: name.to_owned(),
                id: line("id: "),
                data: serde_json::from_str(&line("data: ").unwrap()).unwrap(),
            };
            if told.name != "heartbeat" {
                return told;
            }
        }
    }
}

async fn a_stream_tells_what_happens_and_goes_on_behind_the_last_id(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (ada, bob) = (house.person(&[]), house.person(&[]));
    let mut stream = Stream::open(&house, &ada.token, "topics=orders,notifications", "").await;
    assert_eq!(stream.next().await.name, "ready");
    let subscribed = stream.next().await;
    assert_eq!((&*subscribed.name, subscribed.id.is_some()), ("subscribed", true));
    let order = OrderId::new();
    house.publish(&created(OrderId::new(), bob.id)).await;
    house.publish(&created(order, ada.id)).await;
    let told = stream.next().await;
    assert_eq!((&*told.name, told.data["id"].as_str()), ("message", Some(&*order.to_string())));
    assert_eq!(told.id.as_deref(), told.data["position"].as_str());
    drop(stream);
    let missed = OrderId::new();
    house.publish(&created(missed, ada.id)).await;
    for (query, lines) in [
        ("topics=orders", format!("last-event-id: {}\r\n", told.id.clone().unwrap())),
        (&*format!("topics=orders&after={}", told.id.clone().unwrap()), String::new()),
    ] {
        let mut stream = Stream::open(&house, &ada.token, query, &lines).await;
        assert_eq!(stream.next().await.name, "ready");
        let mut told = stream.next().await;
        if told.name == "subscribed" {
            // It had not come through yet.
            told = stream.next().await;
        }
        assert_eq!(told.data["id"].as_str(), Some(&*missed.to_string()), "{told:?}");
    }
}

async fn a_stream_ends_with_its_session(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let ada = house.person(&[]);
    let mut stream = Stream::open(&house, &ada.token, "topics=orders", "").await;
    assert_eq!([stream.next().await.name, stream.next().await.name], ["ready", "subscribed"]);
    house.issuer.revoke(house.door.clock(), Revoked::Session { session: ada.claims.sid });
    let told = stream.next().await;
    assert_eq!((&*told.name, told.data["reason"].as_str()), ("logout", Some("SESSION_ENDED")));
    let rest = timeout(LONG, stream.0.until("0\r\n\r\n")).await.unwrap().unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "an end, not a break: {rest}");
}

async fn what_cannot_be_followed_is_refused(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (ada, admin) = (house.person(&[Role::Vendor]), house.person(&[Role::Admin]));
    let ask = async |token: Option<&str>, query: &str| {
        let client = house.at.client();
        let client = token.map_or(client.clone(), |token| client.bearer(token));
        client.get(&format!("/api/v1/stream?{query}")).await.status.as_u16()
    };
    assert_eq!(ask(None, "topics=orders").await, 401);
    for (query, status) in [
        ("", 400),
        ("topics=", 400),
        ("topics=payments", 400),
        ("topics=orders&after=7", 400),
        ("topics=orders&token=x", 400),
        ("topics=orders/all", 403),
        ("topics=notifications/all", 403),
    ] {
        assert_eq!(ask(Some(&ada.token), query).await, status, "{query}");
    }
    assert_eq!(
        ask(Some(&admin.token), "topics=todos/all").await,
        403,
        "there is nobody who may read all of them"
    );
}

on_both_engines!(
    a_stream_tells_what_happens_and_goes_on_behind_the_last_id,
    a_stream_ends_with_its_session,
    what_cannot_be_followed_is_refused,
);

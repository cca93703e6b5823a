//! Orders that are followed: every change once and in order, nothing of anybody else, and an end that is told.

use crate::shop::{Person, Shop};
use axum::body::Body;
use chassis::http::Caller;
use contract::auth::Revoked;
use contract::identity::{Claims, Role};
use contract::ids::{OrderId, ProductId};
use contract::orders::{OrderStatus, OrderUpdate};
use http::{Request, Response};
use http_body_util::BodyExt;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use testkit::{Engine, Wire, on_both_engines};
use tokio::time::timeout;

const MINE: &str = "/api/v1/orders/events";
/// Far longer than anything should take.
const LIMIT: Duration = Duration::from_secs(15);

fn one(order: OrderId) -> String {
    format!("/api/v1/orders/{order}/events")
}

async fn ask(shop: &Shop, token: &str, path: &str, seen: Option<&str>) -> Response<Body> {
    let mut request = Request::get(path).header("authorization", format!("Bearer {token}"));
    if let Some(seen) = seen {
        request = request.header("last-event-id", seen);
    }
    let caller = Caller::Socket(IpAddr::V4(Ipv4Addr::LOCALHOST));
    shop.service.assembled().front().handle(request.body(Body::empty()).unwrap(), caller).await
}

/// A stream that is read as it comes.
struct Stream {
    body: Body,
    text: String,
}

#[derive(Debug, PartialEq, Eq)]
struct Heard {
    id: String,
    event: String,
    data: String,
}

impl Heard {
    fn update(&self) -> OrderUpdate {
        assert_eq!(self.event, "order", "{self:?}");
        serde_json::from_str(&self.data).unwrap()
    }
}

impl Stream {
    async fn open(shop: &Shop, person: &Person, path: &str, seen: Option<&str>) -> Self {
        let answer = ask(shop, &person.token, path, seen).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "text/event-stream");
        Self { body: answer.into_body(), text: String::new() }
    }

    /// The next event; `None` at the end.
    async fn next(&mut self) -> Option<Heard> {
        timeout(LIMIT, self.read()).await.unwrap()
    }

    async fn read(&mut self) -> Option<Heard> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let lines = event.lines().filter_map(|line| line.split_once(": "));
                    lines.filter(|(found, _)| *found == name).map(|(_, value)| value).collect::<String>()
                };
                let heard = Heard { id: field("id"), event: field("event"), data: field("data") };
                self.text = rest.to_owned();
                if heard.event.is_empty() {
                    continue;
                }
                return Some(heard);
            }
            let frame = self.body.frame().await?.unwrap();
            self.text.push_str(std::str::from_utf8(&frame.into_data().unwrap()).unwrap());
        }
    }

    async fn update(&mut self) -> (String, OrderUpdate) {
        let heard = self.next().await.unwrap();
        let update = heard.update();
        (heard.id, update)
    }
}

async fn who_follows_an_order_hears_each_change_once_and_in_order(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let order = shop.place(ada.id, ProductId::new()).await;
    // From the moment on in which it is placed, whether it is listed yet or not.
    let mut stream = Stream::open(&shop, &ada, &one(order.id), None).await;
    let (mut id, mut update) = stream.update().await;
    while update.version < 2 {
        (id, update) = stream.update().await;
    }
    assert_eq!((id.as_str(), update.status, update.processing), ("2", OrderStatus::Pending, true));
    assert_eq!((update.order, update.number.as_str()), (order.id, order.number.as_str()));
    shop.happen(order.id, &[order.confirmed()]).await;
    let (id, update) = stream.update().await;
    assert_eq!(
        (id.as_str(), update.what.as_str(), update.status),
        ("3", "confirmed", OrderStatus::Confirmed)
    );
    shop.happen(order.id, &[order.completed(), order.packed(), order.shipped()]).await;
    for (id, what) in [("4", "completed"), ("5", "processing_begun"), ("6", "shipped")] {
        let (heard, update) = stream.update().await;
        assert_eq!((heard.as_str(), update.what.as_str(), update.processing), (id, what, false));
    }
    // Who comes now begins with where it stands.
    let mut late = Stream::open(&shop, &ada, &one(order.id), None).await;
    assert_eq!(late.update().await.1.what, "shipped");
    // Who was cut off goes on behind what they have seen.
    let mut again = Stream::open(&shop, &ada, &one(order.id), Some("3")).await;
    for what in ["completed", "processing_begun", "shipped"] {
        assert_eq!(again.update().await.1.what, what);
    }
    let mut staff = Stream::open(&shop, &shop.administrator(), &one(order.id), Some("5")).await;
    assert_eq!(staff.update().await.1.what, "shipped");
}

async fn who_follows_their_orders_hears_of_all_of_them_and_of_nobody_elses(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (ada, bob) = (shop.person(), shop.person());
    let mut stream = Stream::open(&shop, &ada, MINE, None).await;
    let ready = stream.next().await.unwrap();
    assert_eq!((ready.event.as_str(), ready.data.as_str()), ("ready", "{}"));
    let his = shop.place(bob.id, ProductId::new()).await;
    let first = shop.place(ada.id, ProductId::new()).await;
    let second = shop.place(ada.id, ProductId::new()).await;
    shop.happen(his.id, &[his.failed()]).await;
    shop.happen(first.id, &[first.confirmed()]).await;
    let mut heard = Vec::new();
    for _ in 0..5 {
        let (id, update) = stream.update().await;
        assert_ne!(update.order, his.id);
        heard.push((id.parse::<i64>().unwrap(), update.order, update.what));
    }
    assert!(heard.is_sorted_by_key(|(id, ..)| *id), "{heard:?}");
    let what: Vec<_> = heard.iter().map(|(_, order, what)| (*order, what.as_str())).collect();
    let (one, two) = (first.id, second.id);
    let expected = [
        (one, "placed"),
        (one, "checkout_started"),
        (two, "placed"),
        (two, "checkout_started"),
        (one, "confirmed"),
    ];
    assert_eq!(what, expected);
    // Cut off before anything came: from `ready` on nothing is missing.
    let mut again = Stream::open(&shop, &ada, MINE, Some(&ready.id)).await;
    assert_eq!(again.next().await.unwrap().event, "ready");
    for (id, ..) in &heard {
        assert_eq!(again.update().await.0, id.to_string());
    }
}

async fn anothers_order_cannot_be_followed(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let (ada, bob) = (shop.person(), shop.person());
    let order = shop.place(ada.id, ProductId::new()).await;
    for path in [one(order.id), one(OrderId::new())] {
        assert_eq!(ask(&shop, &bob.token, &path, None).await.status(), 404);
    }
    assert_eq!(ask(&shop, "x", &one(order.id), None).await.status(), 401);
    shop.service.client().get(&one(order.id)).await.expect(401);
    shop.service.client().get(MINE).await.expect(401);
    for wrong in ["x", "-1", "1.5", ""] {
        assert_eq!(ask(&shop, &ada.token, MINE, Some(wrong)).await.status(), 400, "{wrong}");
    }
}

async fn a_stream_ends_with_its_token(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let claims = shop.issuer.claims(shop.service.clock(), &[Role::User]);
    let exp = shop.service.clock().now().secs() + 1;
    let ada = Person::of(&shop, Claims { exp, ..claims });
    let mut stream = Stream::open(&shop, &ada, MINE, None).await;
    assert_eq!(stream.next().await.unwrap().event, "ready");
    assert_eq!(stream.next().await, None);
}

async fn who_was_logged_out_hears_nothing_more(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let order = shop.place(ada.id, ProductId::new()).await;
    let mut stream = Stream::open(&shop, &ada, &one(order.id), Some("1")).await;
    assert_eq!(stream.update().await.1.version, 2);
    shop.issuer.revoke(shop.service.clock(), Revoked::Session { session: ada.claims.sid });
    let verifier = shop.service.assembled().shared().verifier();
    testkit::eventually(|| std::future::ready(verifier.verify(&ada.token).is_err())).await;
    shop.happen(order.id, &[order.confirmed()]).await;
    assert_eq!(stream.next().await, None);
}

async fn a_stream_ends_at_the_stop_of_the_process(engine: Engine) {
    let Some(shop) = Shop::open(engine).await else { return };
    let ada = shop.person();
    let mut stream = Stream::open(&shop, &ada, MINE, None).await;
    assert_eq!(stream.next().await.unwrap().event, "ready");
    drop(shop);
    assert_eq!(stream.next().await, None);
}

async fn a_stream_in_which_nothing_happens_shows_that_it_is_there(engine: Engine) {
    let hasty = |setup: testkit::Setup| setup.set("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "2000");
    let Some(shop) = Shop::open_with(engine, hasty).await else { return };
    let ada = shop.person();
    let mut stream = Stream::open(&shop, &ada, MINE, None).await;
    assert_eq!(stream.next().await.unwrap().event, "ready");
    // A door would break it off after two seconds of silence.
    let frame = timeout(Duration::from_secs(2), stream.body.frame()).await.unwrap().unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap().trim_ascii(), b":");
}

#[tokio::test]
async fn over_a_socket_events_come_at_once_and_the_connection_is_let_go_at_the_stop() {
    let shop = Shop::open(Engine::Sqlite).await.unwrap();
    let (ada, listening) = (shop.person(), shop.service.listen());
    let mut wire = Wire::connect(listening.address()).await.unwrap();
    let token = &ada.token;
    wire.write(format!("GET {MINE} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {token}\r\n\r\n"))
        .await
        .unwrap();
    timeout(LIMIT, wire.until("event: ready")).await.unwrap().unwrap();
    shop.place(ada.id, ProductId::new()).await;
    timeout(LIMIT, wire.until("\"what\":\"checkout_started\"")).await.unwrap().unwrap();
    listening.stop();
    // What the process stops with.
    drop(shop);
    timeout(LIMIT, wire.until("0\r\n\r\n")).await.unwrap().unwrap();
    timeout(LIMIT, listening.drained()).await.unwrap();
}

async fn no_more_follow_than_may(engine: Engine) {
    let few = |setup: testkit::Setup| setup.set("BOWLINE_ORDERS__FOLLOWERS_MAX", "2");
    let Some(shop) = Shop::open_with(engine, few).await else { return };
    let ada = shop.person();
    let first = Stream::open(&shop, &ada, MINE, None).await;
    let _second = Stream::open(&shop, &ada, MINE, None).await;
    let refused = ask(&shop, &ada.token, MINE, None).await;
    assert_eq!(refused.status(), 503);
    assert!(refused.headers().contains_key("retry-after"));
    drop(first);
    let _third = Stream::open(&shop, &ada, MINE, None).await;
}

on_both_engines!(
    who_follows_an_order_hears_each_change_once_and_in_order,
    who_follows_their_orders_hears_of_all_of_them_and_of_nobody_elses,
    anothers_order_cannot_be_followed,
    a_stream_ends_with_its_token,
    who_was_logged_out_hears_nothing_more,
    a_stream_ends_at_the_stop_of_the_process,
    a_stream_in_which_nothing_happens_shows_that_it_is_there,
    no_more_follow_than_may,
);

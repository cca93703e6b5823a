//! A gateway on a database, with a bus on which the test publishes.

use chassis::bus::{Bus, BusConfig, Record};
use chassis::clock::Clock;
use chassis::db::Synchronous;
use contract::event::{CloudEvent, Event, topic_of};
use contract::identity::{Claims, Role};
use contract::ids::{CheckoutId, NotificationId, OrderId, UserId};
use contract::money::{Currency, Money};
use contract::notifications::{NotificationCreated, NotificationKind};
use contract::orders::{CheckoutFlow, OrderConfirmed, OrderCreated, OrderShipped};
use contract::payments::MethodToken;
use gateway::Gateway;
use serde_json::{Value, json};
use testkit::ws::{Dial, Heard, WebSocket};
use testkit::{Engine, FakeAuth, Issuer, Listening, Setup, TestService, eventually};
use uuid::Uuid;

pub(crate) const WS: &str = "/api/v1/ws";

pub(crate) struct House {
    pub(crate) door: TestService,
    pub(crate) at: Listening,
    pub(crate) issuer: Issuer,
    bus: Bus,
}

/// Somebody with a token.
pub(crate) struct Person {
    pub(crate) id: UserId,
    pub(crate) claims: Claims,
    pub(crate) token: String,
}

impl House {
    pub(crate) async fn start(engine: Engine) -> Option<Self> {
        Self::start_with(engine, |setup| setup).await
    }

    pub(crate) async fn start_with(engine: Engine, more: impl FnOnce(Setup) -> Setup) -> Option<Self> {
        let issuer = Issuer::new();
        let setup = Setup::of::<Gateway>().and::<FakeAuth>().issuer(&issuer);
        let setup =
            setup.set("BOWLINE_DELIVERY__POLL_MS", "10").set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600");
        let door = more(setup).start(engine).await?;
        eventually(|| std::future::ready(door.assembled().shared().verifier().check())).await;
        let folder = door.folder().join("data");
        let bus =
            Bus::open(&BusConfig::default(), &folder, Synchronous::Normal, Clock::system()).await.unwrap();
        let at = door.listen();
        Some(Self { door, at, issuer, bus })
    }

    pub(crate) fn person(&self, roles: &[Role]) -> Person {
        self.person_of(self.issuer.claims(self.door.clock(), roles))
    }

    pub(crate) fn person_of(&self, claims: Claims) -> Person {
        Person { id: claims.sub, token: self.issuer.sign(&claims), claims }
    }

    /// Connects somebody and hears that they are known.
    pub(crate) async fn connect(&self, who: &Person) -> WebSocket {
        let dial = Dial::new(self.at.address(), WS).bearer(&who.token);
        let mut socket = dial.open().await.unwrap_or_else(|refused| panic!("{refused}"));
        let ready = heard(&mut socket).await;
        assert_eq!(
            (ready["type"].as_str(), ready["user"].as_str()),
            (Some("ready"), Some(&*who.id.to_string()))
        );
        socket
    }

    /// Connects somebody who is told of these.
    pub(crate) async fn told(&self, who: &Person, topics: &[&str]) -> WebSocket {
        let mut socket = self.connect(who).await;
        subscribe(&mut socket, topics, None).await;
        socket
    }

    /// Publishes an event as its service would.
    pub(crate) async fn publish<E: Event>(&self, event: &E) {
        let (id, time) = (Uuid::now_v7(), self.door.clock().now().to_datetime());
        let body = CloudEvent::of(event, id, "/shop", time).unwrap().to_json().unwrap().into();
        let record = Record { topic: topic_of(E::TYPE).into(), key: event.key().into(), id, body };
        assert!(self.bus.publish(&[record]).await.iter().all(Result::is_ok));
    }
}

/// Subscribes, and waits until that is so.
pub(crate) async fn subscribe(socket: &mut WebSocket, topics: &[&str], after: Option<&str>) -> Value {
    let mut frame = json!({"type": "subscribe", "topics": topics});
    if let Some(after) = after {
        frame["after"] = after.into();
    }
    socket.say_json(&frame).await;
    if after.is_some() {
        return Value::Null;
    }
    let subscribed = heard(socket).await;
    assert_eq!(subscribed["type"], "subscribed", "{subscribed}");
    subscribed
}

/// The next frame that is no sign of life.
pub(crate) async fn heard(socket: &mut WebSocket) -> Value {
    loop {
        let frame = socket.hear_json().await;
        if frame["type"] != "heartbeat" {
            return frame;
        }
    }
}

/// Hears the last frame and the end.
pub(crate) async fn last_words(socket: &mut WebSocket) -> (Value, Heard) {
    let last = heard(socket).await;
    (last, socket.hear_the_end().await)
}

pub(crate) fn eur(amount: i64) -> Money {
    Money::new(amount, Currency::EUR)
}

pub(crate) fn created(order: OrderId, user: UserId) -> OrderCreated {
    OrderCreated {
        order,
        user,
        number: Some("B7K3-9QMX-2".to_owned()),
        checkout: Some(CheckoutId::new()),
        flow: CheckoutFlow::Choreography,
        lines: Vec::new(),
        total: eur(4500),
        method: Some(MethodToken("tok_very_secret".to_owned())),
    }
}

pub(crate) fn confirmed(order: OrderId, user: UserId) -> OrderConfirmed {
    let (number, checkout) = ("B7K3-9QMX-2".to_owned(), CheckoutId::new());
    OrderConfirmed {
        order,
        user,
        number,
        checkout,
        flow: CheckoutFlow::Choreography,
        lines: Vec::new(),
        total: eur(4500),
    }
}

pub(crate) fn shipped(order: OrderId, user: UserId) -> OrderShipped {
    let (number, carrier) = ("B7K3-9QMX-2".to_owned(), "Post".to_owned());
    OrderShipped { order, user, number, carrier, tracking_number: "XY 12".to_owned() }
}

pub(crate) fn notification(user: UserId) -> NotificationCreated {
    let (notification, kind) = (NotificationId::new(), NotificationKind::OrderConfirmed);
    NotificationCreated { notification, user, kind, order: None, title: "Your order is confirmed".to_owned() }
}

//! Somebody who stays connected to the live channel and keeps what they hear.

use super::Person;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use testkit::eventually_within;
use testkit::ws::{Dial, Heard, WebSocket};

/// Longer than anything takes on a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// Somebody who is connected.
pub(crate) struct Follower {
    socket: WebSocket,
    /// The messages that came, in their order.
    pub(crate) messages: Vec<Value>,
    /// Where they are: everything up to here has come.
    pub(crate) position: Option<String>,
}

impl Follower {
    /// Connects somebody, who is told of nothing yet.
    pub(crate) async fn connect(door: SocketAddr, person: &Person) -> Self {
        // The door may not know yet who signs tokens, and says so.
        let dial = || async {
            let dialed = Dial::new(door, "/api/v1/ws").bearer(&person.access).attempt().await?;
            dialed.map_err(|refused| format!("{refused:?}"))
        };
        let socket = eventually_within(PATIENCE, dial).await;
        let mut follower = Self { socket, messages: Vec::new(), position: None };
        let ready = follower.socket.hear_json().await;
        assert_eq!((&ready["type"], &ready["user"]), (&json!("ready"), &json!(person.id)), "{ready}");
        follower
    }

    /// Follows topics from now on.
    pub(crate) async fn follow(mut self, topics: &[&str]) -> Self {
        self.subscribe(topics, None).await;
        self
    }

    /// Follows topics from behind a position.
    pub(crate) async fn follow_after(mut self, topics: &[&str], after: Option<String>) -> Self {
        self.subscribe(topics, after).await;
        self
    }

    async fn subscribe(&mut self, topics: &[&str], after: Option<String>) {
        let mut frame = json!({"type": "subscribe", "topics": topics});
        if let Some(after) = after {
            frame["after"] = after.into();
        }
        self.socket.say_json(&frame).await;
        while self.hear().await["type"] != "subscribed" {}
    }

    /// The next frame; messages are kept.
    async fn hear(&mut self) -> Value {
        let frame = self.socket.hear_json().await;
        match frame["type"].as_str() {
            Some("message" | "subscribed" | "heartbeat") => {
                self.position = frame["position"].as_str().map(str::to_owned);
            }
            Some("pong") => {}
            _ => panic!("heard {frame} after {:?}", self.messages),
        }
        if frame["type"] == "message" {
            self.messages.push(frame.clone());
        }
        frame
    }

    /// Hears messages until it is so.
    pub(crate) async fn until(&mut self, so: impl Fn(&[Value]) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !so(&self.messages) {
            assert!(Instant::now() < until, "it does not come: {:#?}", self.messages);
            self.hear().await;
        }
    }

    /// Hears everything that has been said until now.
    pub(crate) async fn catch_up(&mut self) {
        self.socket.say_json(&json!({"type": "ping", "id": "now"})).await;
        while self.hear().await["type"] != "pong" {}
    }

    /// What is said at the end, and how it ends.
    pub(crate) async fn end(mut self) -> (Value, Heard) {
        let mut last = Value::Null;
        loop {
            match self.socket.hear().await {
                Heard::Text(text) => last = serde_json::from_str(&text).unwrap(),
                Heard::Bytes(_) | Heard::Beat(_) => {}
                end @ (Heard::Closed(..) | Heard::Gone) => return (last, end),
            }
        }
    }

    /// The end of a connection whose server was killed: what it had still said is kept.
    pub(crate) async fn cut_off(mut self) -> (Vec<Value>, Option<String>) {
        loop {
            match self.socket.hear().await {
                Heard::Text(text) => {
                    let frame: Value = serde_json::from_str(&text).unwrap();
                    if let Some(position) = frame["position"].as_str() {
                        self.position = Some(position.to_owned());
                    }
                    if frame["type"] == "message" {
                        self.messages.push(frame);
                    }
                }
                Heard::Bytes(_) | Heard::Beat(_) => {}
                Heard::Closed(..) | Heard::Gone => return (self.messages, self.position),
            }
        }
    }
}

/// What happened to one thing, in the order in which it was told.
pub(crate) fn told_of<'m>(messages: &'m [Value], id: &str) -> Vec<&'m str> {
    messages
        .iter()
        .filter(|message| message["id"] == id)
        .map(|message| message["event"].as_str().unwrap())
        .collect()
}

/// Each message has a position of its own.
pub(crate) fn are_told_once(messages: &[Value]) {
    let positions: HashSet<&str> =
        messages.iter().map(|message| message["position"].as_str().unwrap()).collect();
    assert_eq!(positions.len(), messages.len(), "{messages:#?}");
}

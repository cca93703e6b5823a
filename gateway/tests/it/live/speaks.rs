//! What clients ask for over a WebSocket, and what they are told.

use super::house::{House, WS, confirmed, created, heard, notification, shipped, subscribe};
use contract::identity::Role;
use contract::ids::OrderId;
use contract::live::ServerFrame;
use serde_json::json;
use std::time::Duration;
use testkit::ws::{Dial, Heard};
use testkit::{Engine, on_both_engines};

async fn what_happens_is_told_to_whom_it_concerns_and_to_nobody_else(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (ada, bob, admin) = (house.person(&[]), house.person(&[Role::Vendor]), house.person(&[Role::Admin]));
    let (order, other) = (OrderId::new(), OrderId::new());
    let topics = ["orders".to_owned(), "notifications".to_owned(), format!("orders/{order}")];
    let topics: Vec<&str> = topics.iter().map(String::as_str).collect();
    let mut hers = house.told(&ada, &topics).await;
    let mut his = house.told(&bob, &topics).await;
    let mut of_all = house.told(&admin, &["orders/all"]).await;
    let mut of_one = house.told(&admin, &[&format!("orders/{order}")]).await;
    let mut of_admin = house.told(&admin, &["orders", "notifications"]).await;
    house.publish(&created(order, ada.id)).await;
    house.publish(&confirmed(order, ada.id)).await;
    house.publish(&shipped(order, ada.id)).await;
    let mut texts = Vec::new();
    for (event, status) in
        [("order.created", "PENDING"), ("order.confirmed", "CONFIRMED"), ("order.shipped", "SHIPPED")]
    {
        for socket in [&mut hers, &mut of_all, &mut of_one] {
            let told = heard(socket).await;
            assert_eq!(told["type"], "message", "{told}");
            assert_eq!((&told["topic"], &told["event"]), (&json!("orders"), &json!(event)));
            assert_eq!((&told["id"], &told["data"]["status"]), (&json!(order), &json!(status)));
            serde_json::from_value::<ServerFrame>(told.clone()).unwrap();
            texts.push(told.to_string());
        }
    }
    assert!(!texts.concat().contains("tok_very_secret") && !texts.concat().contains("checkout"));
    // What comes now is the first that he, and the administrator in person, hear of.
    house.publish(&created(other, bob.id)).await;
    let told = heard(&mut his).await;
    assert_eq!(told["id"], json!(other), "{told}");
    for person in [&bob, &admin] {
        house.publish(&notification(person.id)).await;
    }
    assert_eq!(heard(&mut his).await["topic"], "notifications");
    let told = heard(&mut of_admin).await;
    assert_eq!((&told["topic"], &told["data"]["user"]), (&json!("notifications"), &json!(admin.id)));
}

async fn who_comes_back_hears_what_was_missed_and_then_what_happens(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let ada = house.person(&[]);
    let mut socket = house.told(&ada, &["orders"]).await;
    let order = OrderId::new();
    house.publish(&created(order, ada.id)).await;
    let position = heard(&mut socket).await["position"].as_str().unwrap().to_owned();
    drop(socket);
    let missed: Vec<OrderId> = (0..30).map(|_| OrderId::new()).collect();
    for order in &missed {
        house.publish(&created(*order, ada.id)).await;
    }
    let mut socket = house.connect(&ada).await;
    subscribe(&mut socket, &["orders"], Some(&position)).await;
    let mut told = Vec::new();
    while told.len() < missed.len() {
        let frame = heard(&mut socket).await;
        match frame["type"].as_str() {
            Some("message") => told.push(frame["id"].as_str().unwrap().to_owned()),
            Some("subscribed") => {}
            _ => panic!("{frame}"),
        }
    }
    told.sort();
    let mut expected: Vec<String> = missed.iter().map(ToString::to_string).collect();
    expected.sort();
    assert_eq!(told, expected);
}

async fn frames_that_cannot_be_heeded_are_answered_and_change_nothing(engine: Engine) {
    let Some(house) =
        House::start_with(engine, |setup| setup.set("BOWLINE_GATEWAY__LIVE_MAX_TOPICS", "2")).await
    else {
        return;
    };
    let (ada, bob) = (house.person(&[]), house.person(&[]));
    let mut socket = house.told(&ada, &["orders"]).await;
    let wrong = [
        (json!({"type": "subscribe", "topics": ["orders/all"]}), "FORBIDDEN"),
        (json!({"type": "subscribe", "topics": ["todos/all"]}), "FORBIDDEN"),
        (json!({"type": "subscribe", "topics": ["todos", "events"]}), "VALIDATION_ERROR"),
        (json!({"type": "subscribe", "topics": ["orders"], "after": "7"}), "VALIDATION_ERROR"),
        (json!({"type": "subscribe", "topics": ["payments"]}), "VALIDATION_ERROR"),
        (json!({"type": "subscribe", "topic": "orders"}), "VALIDATION_ERROR"),
        (json!({"type": "shout"}), "VALIDATION_ERROR"),
        (json!([]), "VALIDATION_ERROR"),
        (json!({"type": "authenticate", "token": "x"}), "UNAUTHENTICATED"),
        (json!({"type": "authenticate", "token": bob.token}), "FORBIDDEN"),
    ];
    for (frame, code) in wrong {
        socket.say_json(&frame).await;
        let answer = heard(&mut socket).await;
        assert_eq!((&answer["type"], &answer["code"]), (&json!("error"), &json!(code)), "{frame}: {answer}");
        assert!(!answer.to_string().contains(&bob.token));
    }
    socket.say_json(&json!({"type": "ping", "id": "p1"})).await;
    assert_eq!(heard(&mut socket).await, json!({"type": "pong", "id": "p1"}));
    let order = OrderId::new();
    house.publish(&created(order, ada.id)).await;
    assert_eq!(heard(&mut socket).await["id"], json!(order), "it is told as before");
    socket.say_json(&json!({"type": "unsubscribe", "topics": ["orders"]})).await;
    assert_eq!(heard(&mut socket).await["type"], "unsubscribed");
    house.publish(&created(order, ada.id)).await;
    subscribe(&mut socket, &["notifications"], None).await;
    house.publish(&notification(ada.id)).await;
    assert_eq!(heard(&mut socket).await["topic"], "notifications");
}

async fn a_browser_says_who_it_is_in_the_first_frame(engine: Engine) {
    let Some(house) = House::start_with(engine, |setup| {
        let setup =
            setup.set("BOWLINE_GATEWAY__LIVE_AUTH_SECS", "1").set("BOWLINE_GATEWAY__LIVE_MAX_UNKNOWN", "1");
        setup.set("ALLOWED_ORIGINS", "https://shop.example")
    })
    .await
    else {
        return;
    };
    let ada = house.person(&[]);
    let dial = || Dial::new(house.at.address(), WS).header("origin", "https://shop.example");
    let mut socket = dial().open().await.unwrap();
    let refused = dial().open().await.unwrap_err();
    assert_eq!(refused.status, 503, "one that has not said so is as many as may be: {refused}");
    socket.say_json(&json!({"type": "authenticate", "token": ada.token})).await;
    assert_eq!(heard(&mut socket).await["type"], "ready");
    subscribe(&mut socket, &["orders"], None).await;
    house.publish(&created(OrderId::new(), ada.id)).await;
    assert_eq!(heard(&mut socket).await["type"], "message");
    for first in [
        json!({"type": "authenticate", "token": "nonsense"}),
        json!({"type": "subscribe", "topics": ["orders"]}),
        json!("who?"),
    ] {
        let mut socket = dial().open().await.unwrap();
        socket.say_json(&first).await;
        let end = socket.hear_the_end().await;
        assert!(matches!(end, Heard::Closed(4401, _)), "{first}: {end:?}");
    }
    let mut silent = dial().open().await.unwrap();
    let end = silent.hear_the_end().await;
    assert!(matches!(end, Heard::Closed(4401, _)), "{end:?}");
    let strange =
        Dial::new(house.at.address(), WS).header("origin", "https://evil.example").bearer(&ada.token);
    assert_eq!(strange.open().await.unwrap_err().status, 403);
    let token = Dial::new(house.at.address(), WS).bearer("nonsense");
    assert_eq!(token.open().await.unwrap_err().status, 401);
    let plain = house.at.client().get(WS).await;
    assert_eq!(plain.status, 400, "no WebSocket at all");
}

async fn who_says_too_much_is_sent_away_and_places_are_bounded(engine: Engine) {
    let Some(house) =
        House::start_with(engine, |setup| setup.set("BOWLINE_GATEWAY__LIVE_MAX_PER_USER", "2")).await
    else {
        return;
    };
    let ada = house.person(&[]);
    let mut first = house.connect(&ada).await;
    let _second = house.connect(&ada).await;
    let refused = Dial::new(house.at.address(), WS).bearer(&ada.token).open().await.unwrap_err();
    assert_eq!(refused.status, 429, "{refused}");
    for _ in 0..60 {
        first.say_json(&json!({"type": "ping"})).await;
    }
    let end = first.hear_the_end().await;
    assert!(matches!(end, Heard::Closed(4429, _)), "{end:?}");
    let mut third =
        testkit::eventually(async || Dial::new(house.at.address(), WS).bearer(&ada.token).open().await).await;
    third.say(&format!("{{\"type\":\"ping\",\"id\":\"{}\"}}", "x".repeat(20_000))).await;
    let end = third.hear_the_end().await;
    assert!(matches!(end, Heard::Gone | Heard::Closed(1009, _)), "a frame that is too large: {end:?}");
}

async fn a_quiet_client_gets_signs_of_life_that_move_its_position_on(engine: Engine) {
    let Some(house) =
        House::start_with(engine, |setup| setup.set("BOWLINE_GATEWAY__LIVE_HEARTBEAT_SECS", "1")).await
    else {
        return;
    };
    let (ada, bob) = (house.person(&[]), house.person(&[]));
    let mut hers = house.told(&ada, &["orders"]).await;
    let mut his = house.told(&bob, &["orders"]).await;
    house.publish(&created(OrderId::new(), bob.id)).await;
    let there = heard(&mut his).await["position"].clone();
    let sign = tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let frame = hers.hear_json().await;
            if frame["type"] == "heartbeat" && frame["position"] == there {
                return frame;
            }
        }
    });
    sign.await.unwrap();
}

on_both_engines!(
    what_happens_is_told_to_whom_it_concerns_and_to_nobody_else,
    who_comes_back_hears_what_was_missed_and_then_what_happens,
    frames_that_cannot_be_heeded_are_answered_and_change_nothing,
    a_browser_says_who_it_is_in_the_first_frame,
    who_says_too_much_is_sent_away_and_places_are_bounded,
    a_quiet_client_gets_signs_of_life_that_move_its_position_on,
);

//! How connections end: with the session, the token, the process, and with a client that does not read.

use super::house::{House, WS, created, heard, last_words};
use contract::auth::Revoked;
use contract::identity::Role;
use contract::ids::OrderId;
use serde_json::json;
use std::time::Duration;
use testkit::ws::{Dial, Heard};
use testkit::{Engine, eventually, on_both_engines};

async fn a_logout_is_told_at_once_and_nothing_after_it(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let (ada, bob) = (house.person(&[]), house.person(&[Role::Admin]));
    let mut hers = house.told(&ada, &["orders"]).await;
    let mut others = house.told(&bob, &["orders/all"]).await;
    house.issuer.revoke(house.door.clock(), Revoked::Session { session: ada.claims.sid });
    let (last, end) = last_words(&mut hers).await;
    assert_eq!(last, json!({"type": "logout", "reason": "SESSION_ENDED"}));
    assert_eq!(end, Heard::Closed(4401, "SESSION_ENDED".to_owned()));
    house.publish(&created(OrderId::new(), ada.id)).await;
    assert_eq!(heard(&mut others).await["type"], "message", "nobody else is concerned");
    house.issuer.revoke(house.door.clock(), Revoked::User { user: bob.id, version: 2 });
    let (last, _) = last_words(&mut others).await;
    assert_eq!(last, json!({"type": "logout", "reason": "RIGHTS_CHANGED"}));
    let again = Dial::new(house.at.address(), WS).bearer(&bob.token).open().await.unwrap_err();
    assert_eq!(again.status, 401, "{again}");
}

async fn a_key_that_is_taken_back_ends_what_it_has_signed(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let ada = house.person(&[]);
    let mut hers = house.told(&ada, &["orders"]).await;
    house.issuer.rotate();
    let bob = house.person(&[]);
    eventually(async || Dial::new(house.at.address(), WS).bearer(&bob.token).open().await).await;
    house.issuer.retire_old_keys();
    eventually(async || Dial::new(house.at.address(), WS).bearer(&ada.token).open().await.is_err()).await;
    house.publish(&created(OrderId::new(), ada.id)).await;
    let (last, _) = last_words(&mut hers).await;
    assert_eq!(last, json!({"type": "logout", "reason": "TOKEN_INVALID"}));
}

async fn a_connection_ends_with_its_token_unless_another_comes_in_time(engine: Engine) {
    let Some(house) =
        House::start_with(engine, |setup| setup.set("BOWLINE_GATEWAY__LIVE_HEARTBEAT_SECS", "1")).await
    else {
        return;
    };
    let ada = house.person(&[]);
    let (mut renewed, mut not) = (house.told(&ada, &["orders"]).await, house.told(&ada, &["orders"]).await);
    house.door.clock().advance(Duration::from_secs(600));
    let mut claims = house.issuer.claims(house.door.clock(), &[]);
    claims.sub = ada.id;
    let later = house.person_of(claims);
    renewed.say_json(&json!({"type": "authenticate", "token": later.token})).await;
    let answer = heard(&mut renewed).await;
    assert_eq!(answer["type"], "authenticated", "{answer}");
    house.door.clock().advance(Duration::from_secs(400));
    let (last, end) = last_words(&mut not).await;
    assert_eq!(last, json!({"type": "logout", "reason": "TOKEN_EXPIRED"}));
    assert!(matches!(end, Heard::Closed(4401, _)), "{end:?}");
    house.publish(&created(OrderId::new(), ada.id)).await;
    assert_eq!(heard(&mut renewed).await["type"], "message");
}

async fn while_nobody_can_tell_who_is_logged_in_nothing_is_told(engine: Engine) {
    let Some(house) =
        House::start_with(engine, |setup| setup.set("BOWLINE_IDENTITY__MAX_STALE_SECS", "60")).await
    else {
        return;
    };
    let ada = house.person(&[]);
    let mut hers = house.told(&ada, &["orders"]).await;
    house.issuer.silence(true);
    eventually(|| std::future::ready(house.issuer.refusals() > 0)).await;
    house.door.clock().advance(Duration::from_secs(61));
    house.publish(&created(OrderId::new(), ada.id)).await;
    let (last, end) = last_words(&mut hers).await;
    assert_eq!(last["type"], "bye", "{last}");
    assert_eq!(end, Heard::Closed(1001, "come back".to_owned()));
    house.issuer.silence(false);
}

async fn a_stop_is_told_and_who_comes_back_elsewhere_has_lost_nothing(engine: Engine) {
    let Some(house) = House::start(engine).await else { return };
    let ada = house.person(&[]);
    let mut hers = house.told(&ada, &["orders"]).await;
    house.publish(&created(OrderId::new(), ada.id)).await;
    assert_eq!(heard(&mut hers).await["type"], "message");
    let House { door, at, .. } = house;
    drop(door);
    let (last, end) = last_words(&mut hers).await;
    assert_eq!(last["type"], "bye", "{last}");
    let pause = last["retryAfterMs"].as_u64().unwrap();
    assert!((500..5_000).contains(&pause), "{pause}");
    assert_eq!(end, Heard::Closed(1001, "come back".to_owned()));
    drop(at);
}

on_both_engines!(
    a_logout_is_told_at_once_and_nothing_after_it,
    a_key_that_is_taken_back_ends_what_it_has_signed,
    a_connection_ends_with_its_token_unless_another_comes_in_time,
    while_nobody_can_tell_who_is_logged_in_nothing_is_told,
    a_stop_is_told_and_who_comes_back_elsewhere_has_lost_nothing,
);

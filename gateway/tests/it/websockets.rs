//! WebSockets of a service behind the door, in the same process and in another, with a client as others use one.

use crate::house::{House, both_ways};
use contract::ErrorCode;
use contract::auth::Revoked;
use contract::identity::Claims;
use std::time::Duration;
use testkit::ws::{Dial, Heard};
use testkit::{Client, Listening, eventually};

const PATH: &str = "/api/v1/things/ws";

both_ways!(
    messages_of_all_sizes_go_both_ways,
    a_service_sees_who_asks_and_may_refuse_it,
    a_token_that_does_not_hold_opens_nothing,
    when_a_session_is_ended_its_tunnels_are_told_at_once_and_no_others,
    when_a_key_is_taken_back_what_it_has_signed_ends,
    a_tunnel_ends_with_the_token_that_opened_it,
    a_service_that_leaves_and_a_client_that_says_goodbye_are_heard,
    a_stop_is_said_to_everybody,
);

fn claims(house: &House) -> Claims {
    house.issuer.claims(house.door.clock(), &[])
}

/// Opens one and hears its greeting.
async fn open(at: &Listening, token: Option<&str>) -> testkit::ws::WebSocket {
    let dial = Dial::new(at.address(), PATH);
    let dial = token.into_iter().fold(dial, Dial::bearer);
    let mut socket = dial.open().await.unwrap_or_else(|refused| panic!("{refused}"));
    let greeting = socket.hear().await;
    assert!(matches!(&greeting, Heard::Text(who) if (who == "nobody") == token.is_none()), "{greeting:?}");
    socket
}

async fn messages_of_all_sizes_go_both_ways(house: House) {
    let listening = house.door.listen();
    let dial = Dial::new(listening.address(), PATH).header("sec-websocket-protocol", "other, chat");
    let mut socket = dial.open().await.unwrap();
    assert_eq!(socket.headers.get("sec-websocket-protocol").unwrap(), "chat");
    assert!(socket.headers.contains_key("x-request-id"), "the handshake is a request as any other");
    assert_eq!(socket.hear().await, Heard::Text("nobody".to_owned()));
    for size in [0, 1, 125, 126, 70_000, 3_000_000] {
        let message = vec![7; size];
        socket.say_bytes(message.clone()).await;
        assert_eq!(socket.hear().await, Heard::Bytes(message.into()), "{size} bytes");
    }
    socket.say("and text").await;
    assert_eq!(socket.hear().await, Heard::Text("and text".to_owned()));
}

async fn a_service_sees_who_asks_and_may_refuse_it(house: House) {
    let listening = house.door.listen();
    let who = claims(&house);
    let token = house.issuer.sign(&who);
    let mut socket = Dial::new(listening.address(), PATH).bearer(&token).open().await.unwrap();
    assert_eq!(socket.hear().await, Heard::Text(who.sub.to_string()));
    let refused = Dial::new(listening.address(), "/api/v1/things/ws/mine").open().await.unwrap_err();
    assert_eq!(refused.status, 401, "{refused}");
    Dial::new(listening.address(), "/api/v1/things/ws/mine").bearer(&token).open().await.unwrap();
    let absent = Dial::new(listening.address(), "/api/v1/absences/ws").open().await.unwrap_err();
    assert_eq!(absent.status, 503, "{absent}");
    let unknown = Dial::new(listening.address(), "/api/v1/nothing/ws").open().await.unwrap_err();
    assert_eq!(unknown.status, 404, "{unknown}");
    let climbs = Dial::new(listening.address(), "/api/v1/things/%2e%2e/ws").open().await.unwrap_err();
    assert_eq!(climbs.status, 404, "{climbs}");
}

async fn a_token_that_does_not_hold_opens_nothing(house: House) {
    let listening = house.door.listen();
    let ended = Claims { exp: house.door.clock().now().secs() - 60, ..claims(&house) };
    for token in ["not.a.token".to_owned(), house.issuer.sign(&ended)] {
        let refused = Dial::new(listening.address(), PATH).bearer(&token).open().await.unwrap_err();
        assert_eq!(refused.status, 401, "{refused}");
    }
}

async fn when_a_session_is_ended_its_tunnels_are_told_at_once_and_no_others(house: House) {
    let listening = house.door.listen();
    let (one, other) = (claims(&house), claims(&house));
    let mut of_one = open(&listening, Some(&house.issuer.sign(&one))).await;
    let mut of_other = open(&listening, Some(&house.issuer.sign(&other))).await;
    house.issuer.revoke(house.door.clock(), Revoked::Session { session: one.sid });
    assert_eq!(of_one.hear_the_end().await, Heard::Closed(4401, "the session has ended".to_owned()));
    of_other.say("still here").await;
    assert_eq!(of_other.hear().await, Heard::Text("still here".to_owned()));
    house.issuer.revoke(house.door.clock(), Revoked::User { user: other.sub, version: other.ver + 1 });
    assert_eq!(of_other.hear_the_end().await, Heard::Closed(4401, "the session has ended".to_owned()));
}

async fn when_a_key_is_taken_back_what_it_has_signed_ends(house: House) {
    let listening = house.door.listen();
    let mut by_old = open(&listening, Some(&house.issuer.sign(&claims(&house)))).await;
    house.issuer.rotate();
    let token = house.issuer.sign(&claims(&house));
    // The new key is known when its tokens are.
    let mut by_new =
        eventually(async || Dial::new(listening.address(), PATH).bearer(&token).open().await).await;
    house.issuer.retire_old_keys();
    assert_eq!(by_old.hear_the_end().await, Heard::Closed(4401, "the session has ended".to_owned()));
    by_new.say("leave").await;
    assert_eq!(by_new.hear_the_end().await, Heard::Gone);
}

async fn a_tunnel_ends_with_the_token_that_opened_it(house: House) {
    let listening = house.door.listen();
    let mut with = open(&listening, Some(&house.issuer.sign(&claims(&house)))).await;
    let mut without = open(&listening, None).await;
    house.door.clock().advance(Duration::from_secs(880));
    with.say("not yet").await;
    assert_eq!(with.hear().await, Heard::Text("not yet".to_owned()));
    house.door.clock().advance(Duration::from_secs(60));
    assert_eq!(with.hear_the_end().await, Heard::Closed(4401, "the access token has expired".to_owned()));
    without.say("who has none goes on").await;
    assert_eq!(without.hear().await, Heard::Text("who has none goes on".to_owned()));
}

async fn a_service_that_leaves_and_a_client_that_says_goodbye_are_heard(house: House) {
    let listening = house.door.listen();
    let mut socket = open(&listening, None).await;
    socket.say("leave").await;
    assert_eq!(socket.hear().await, Heard::Gone);
    let mut socket = open(&listening, None).await;
    socket.close(4000, "enough").await;
    assert_eq!(
        socket.hear().await,
        Heard::Closed(4000, "enough".to_owned()),
        "the service answers it in kind"
    );
}

async fn a_stop_is_said_to_everybody(house: House) {
    let listening = house.door.listen();
    let mut socket = open(&listening, None).await;
    let House { door, .. } = house;
    drop(door);
    socket.say("until it is time").await;
    assert_eq!(socket.hear().await, Heard::Text("until it is time".to_owned()), "there is a time of grace");
    assert_eq!(socket.hear_the_end().await, Heard::Closed(1001, "the gateway stops".to_owned()));
    let client = Client::http(listening.url());
    assert_eq!(client.get_unchecked("/").await.status, 200);
    let refused = Dial::new(listening.address(), PATH).open().await.unwrap_err();
    assert_eq!(refused.status, 503, "no new one while it stops: {refused}");
    assert!(refused.body.contains(ErrorCode::Unavailable.as_str()), "{refused}");
}

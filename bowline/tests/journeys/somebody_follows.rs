//! Somebody stays connected to the live channel: they hear what is theirs, once, whatever happens to the gateway meanwhile.

use crate::support::{
    Books, Cast, Follower, Person, Sandbox, Shape, Shop, are_told_once, in_every_shop, in_time, order_of,
    told_of,
};
use serde_json::{Value, json};
use testkit::ws::Heard;
use testkit::{Client, engines};

in_every_shop!(
    a_buyer_hears_of_their_order_and_nobody_else_does,
    what_happens_while_the_gateway_is_dead_is_told_afterwards,
    a_logout_is_told_and_ends_it,
);

/// The last that is told of an order which goes well, and before it is sent.
const LAST: &str = "order.confirmed";

fn confirmed(messages: &[Value], order: &str) -> bool {
    told_of(messages, order).contains(&LAST)
}

async fn a_buyer_hears_of_their_order_and_nobody_else_does(shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 5).await;
    let (buyer, stranger, door) = (shop.buyer().await, shop.buyer().await, shop.sandbox.door.address());
    let mut buyers = Follower::connect(door, &buyer).await.follow(&["orders", "notifications"]).await;
    let mut strangers = Follower::connect(door, &stranger).await.follow(&["orders", "notifications"]).await;
    let mut staffs = Follower::connect(door, &shop.admin).await.follow(&["orders/all"]).await;

    let order = shop.buy(&buyer, &[(&lamp, 1)], "pm_card_visa").await;
    let id = order["id"].as_str().unwrap();
    let notified = |messages: &[Value]| messages.iter().any(|message| message["topic"] == "notifications");
    buyers.until(|messages| confirmed(messages, id) && notified(messages)).await;
    staffs.until(|messages| confirmed(messages, id)).await;
    assert_eq!(told_of(&buyers.messages, id).first(), Some(&"order.created"));
    are_told_once(&buyers.messages);
    let said = format!("{:?}", buyers.messages);
    assert!(!said.contains("pm_card"), "the card is nothing for the channel: {said}");

    // One thing: for whom it belongs to, and not for a stranger who knows its id.
    let topic = format!("orders/{id}");
    let mut of_it = Follower::connect(door, &buyer).await.follow(&[&topic]).await;
    let mut peeping = Follower::connect(door, &stranger).await.follow(&[&topic]).await;
    shop.deliver(id).await;
    of_it.until(|messages| told_of(messages, id).contains(&"order.delivered")).await;
    buyers.until(|messages| told_of(messages, id).contains(&"order.delivered")).await;
    for silent in [&mut strangers, &mut peeping] {
        silent.catch_up().await;
        // They are welcomed themselves.
        let others = silent.messages.iter().filter(|message| message["data"]["user"] != json!(stranger.id));
        assert_eq!(others.collect::<Vec<_>>(), Vec::<&Value>::new());
    }
    are_told_once(&of_it.messages);
}

/// Orders are placed all the while: at the door, and while it is dead, where they have a process of their own.
async fn what_happens_while_the_gateway_is_dead_is_told_afterwards(mut shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 100).await;
    let buyer = shop.buyer().await;
    let follower = Follower::connect(shop.sandbox.door.address(), &buyer).await;
    let mut follower = follower.follow(&["orders"]).await;
    let first = shop.buy(&buyer, &[(&lamp, 1)], "pm_card_visa").await;
    let first = first["id"].as_str().unwrap().to_owned();
    follower.until(|messages| confirmed(messages, &first)).await;

    let mut placed = vec![first];
    place(&shop.sandbox.client(), &buyer, &lamp, 3, &mut placed).await;
    shop.sandbox.kill("gateway");
    let (mut messages, position) = follower.cut_off().await;
    if shop.sandbox.process("orders").port() != shop.sandbox.door.port() {
        let orders = Client::http(shop.sandbox.process("orders").url());
        place(&orders, &buyer, &lamp, 3, &mut placed).await;
    }
    shop.sandbox.restart("gateway");
    place(&shop.sandbox.client(), &buyer, &lamp, 2, &mut placed).await;

    // They come back with the last position that they have, and hear all that they have missed.
    let follower = Follower::connect(shop.sandbox.door.address(), &buyer).await;
    let mut follower = follower.follow_after(&["orders"], position).await;
    follower
        .until(|missed| {
            let all = [&messages[..], missed].concat();
            placed.iter().all(|order| confirmed(&all, order))
        })
        .await;
    messages.append(&mut follower.messages);
    are_told_once(&messages);
    for order in &placed {
        let history: Vec<Value> =
            buyer.client.get(&format!("/api/v1/orders/{order}/history")).await.expect(200).data();
        let told = told_of(&messages, order);
        assert_eq!(
            (told.first(), told.last()),
            (Some(&"order.created"), Some(&LAST)),
            "{told:?} of {history:?}"
        );
        assert_eq!(told.iter().filter(|event| **event == LAST).count(), 1, "{told:?}");
    }
    shop.balance().await;
}

async fn place(at: &Client, buyer: &Person, product: &str, count: usize, placed: &mut Vec<String>) {
    let client = at.bearer(&buyer.access);
    for _ in 0..count {
        let order: Value = in_time(|| async {
            let answer = client.post("/api/v1/orders", order_of(&[(product, 1)], "pm_card_visa")).await;
            if answer.status == 201 { Ok(answer.data()) } else { Err(answer.text().into_owned()) }
        })
        .await;
        placed.push(order["id"].as_str().unwrap().to_owned());
    }
}

async fn a_logout_is_told_and_ends_it(shop: Shop) {
    let (client, door) = (shop.sandbox.client(), shop.sandbox.door.address());
    let person = Person::register(&client).await;
    let elsewhere = Person::log_in(&client, &person.email, crate::support::PASSWORD).await;
    let one = Follower::connect(door, &person).await.follow(&["orders"]).await;
    let mut other = Follower::connect(door, &elsewhere).await.follow(&["orders"]).await;
    person.client.post("/api/v1/auth/logout", json!({})).await.expect(204);
    let (last, end) = one.end().await;
    assert_eq!((&last["type"], &last["reason"]), (&json!("logout"), &json!("SESSION_ENDED")), "{last}");
    assert!(matches!(end, Heard::Closed(4401, _)), "{end:?}");
    other.catch_up().await;

    // And when an administrator puts somebody out.
    let path = format!("/api/v1/users/{}", person.id);
    shop.admin.client.patch(&path, json!({"status": "disabled"})).await.expect(200);
    let (last, end) = other.end().await;
    assert_eq!(last["type"], "logout", "{last}");
    assert!(matches!(end, Heard::Closed(4401, _)), "{end:?}");
}

#[tokio::test]
async fn two_gateways_tell_the_same() {
    let Some(shop) = Shop::open(Shape::Split, Books::Postgres, &[]).await else { return };
    between_two_gateways(shop).await;
}

#[tokio::test]
async fn two_gateways_wake_each_other_through_redis() {
    let Some(redis) = engines::redis_url() else { return };
    let Some(shop) = Shop::open(Shape::Split, Books::Postgres, &[("REDIS_URL", &redis)]).await else {
        return;
    };
    between_two_gateways(shop).await;
}

/// Whichever of them took an event from the bus, the clients of both hear of it; and who goes from one to the other misses
/// nothing.
async fn between_two_gateways(mut shop: Shop) {
    let lamp = shop.product("Desk lamp", 1999, 20).await;
    let buyer = shop.buyer().await;
    let another = shop.sandbox.another("gateway");
    let (one, other) = (shop.sandbox.door.address(), another.address());
    let mut at_one = Follower::connect(one, &buyer).await.follow(&["orders"]).await;
    let mut at_other = Follower::connect(other, &buyer).await.follow(&["orders"]).await;
    let mut placed = Vec::new();
    place(&Client::http(another.url()), &buyer, &lamp, 2, &mut placed).await;
    place(&shop.sandbox.client(), &buyer, &lamp, 2, &mut placed).await;
    let all_confirmed = |messages: &[Value]| placed.iter().all(|order| confirmed(messages, order));
    at_one.until(all_confirmed).await;
    at_other.until(all_confirmed).await;
    for order in &placed {
        assert_eq!(told_of(&at_one.messages, order), told_of(&at_other.messages, order));
    }

    // The one dies; its client goes on at the other.
    shop.sandbox.kill("gateway");
    let (mut messages, position) = at_one.cut_off().await;
    place(&Client::http(another.url()), &buyer, &lamp, 2, &mut placed).await;
    let mut moved = Follower::connect(other, &buyer).await.follow_after(&["orders"], position).await;
    let all_confirmed = |messages: &[Value]| placed.iter().all(|order| confirmed(messages, order));
    at_other.until(all_confirmed).await;
    moved.until(|missed| all_confirmed(&[&messages[..], missed].concat())).await;
    moved.catch_up().await;
    at_other.catch_up().await;
    messages.append(&mut moved.messages);
    are_told_once(&messages);
    for order in &placed {
        assert_eq!(told_of(&messages, order), told_of(&at_other.messages, order));
    }

    // A logout at one holds at the other, and is told there.
    let person = Person::register(&Client::http(another.url())).await;
    let follower = Follower::connect(other, &person).await.follow(&["notifications"]).await;
    let auth = Client::http(shop.sandbox.process("auth").url());
    auth.bearer(&person.access).post("/api/v1/auth/logout", json!({})).await.expect(204);
    let (last, end) = follower.end().await;
    assert_eq!(last["type"], "logout", "{last}");
    assert!(matches!(end, Heard::Closed(4401, _)), "{end:?}");
}

/// A stop says when to come back, and holds nobody up.
#[tokio::test]
async fn a_stop_is_told() {
    let mut sandbox = Sandbox::cast(Shape::All, Cast::Everyone, &[]);
    let person = Person::register(&sandbox.client()).await;
    let follower = Follower::connect(sandbox.door.address(), &person).await.follow(&["orders"]).await;
    sandbox.door.signal("TERM");
    let (last, end) = follower.end().await;
    assert_eq!(last["type"], "bye", "{last}");
    assert!(matches!(end, Heard::Closed(1001, _)), "{end:?}");
    assert_eq!(sandbox.door.wait().code(), Some(0));
}

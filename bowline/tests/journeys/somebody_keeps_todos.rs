//! Somebody keeps what they have to do, on two devices, and nobody else sees any of it.

use crate::support::{Person, Shop, in_every_shop, in_time};
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};
use testkit::Client;
use testkit::ws::{Dial, WebSocket};

in_every_shop!(todos_are_kept_on_two_devices_and_seen_on_no_third,);

const TODOS: &str = "/api/v1/todos";

async fn todo(client: &Client, body: Value) -> String {
    let made: Value = client.post(TODOS, body).await.expect(201).data();
    made["id"].as_str().unwrap().to_owned()
}

/// Connects somebody, who is told of their todos from then on.
async fn listen(shop: &Shop, person: &Person) -> WebSocket {
    let door = shop.sandbox.door.address();
    let mut socket = in_time(|| async {
        let dialled = Dial::new(door, "/api/v1/ws").bearer(&person.access).attempt().await;
        match dialled {
            Ok(Ok(socket)) => Ok(socket),
            refused => Err(format!("{refused:?}")),
        }
    })
    .await;
    assert_eq!(socket.hear_json().await["type"], "ready");
    socket.say_json(&json!({"type": "subscribe", "topics": ["todos"]})).await;
    while socket.hear_json().await["type"] != "subscribed" {}
    socket
}

/// The next change that somebody is told of: of what, and which.
async fn told(socket: &mut WebSocket) -> (String, String) {
    loop {
        let frame = socket.hear_json().await;
        if frame["type"] == "message" {
            assert!(!frame.to_string().contains("Milk"), "{frame}");
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            return (text(&frame["id"]), text(&frame["data"]["change"]));
        }
    }
}

async fn titles(client: &Client, query: &str) -> Vec<String> {
    let found: Vec<Value> = client.get(&format!("{TODOS}{query}")).await.expect(200).data();
    found.iter().map(|todo| todo["title"].as_str().unwrap().to_owned()).collect()
}

async fn todos_are_kept_on_two_devices_and_seen_on_no_third(shop: Shop) {
    let (ada, eve) = (shop.buyer().await, shop.buyer().await);
    let phone = &ada.client;
    let desk = Person::log_in(&shop.sandbox.client(), &ada.email, crate::support::PASSWORD).await;
    let (mut on_desk, mut on_eves) = (listen(&shop, &desk).await, listen(&shop, &eve).await);
    let desk = &desk.client;
    let list: Value =
        phone.post("/api/v1/todos/lists", json!({"name": "Groceries"})).await.expect(201).data();
    let list = list["id"].as_str().unwrap();
    let milk = todo(phone, json!({"title": "Milk", "list": list, "tags": ["shop"]})).await;
    let bread = todo(phone, json!({"title": "Bread", "list": list})).await;
    let letter = todo(desk, json!({"title": "Letter to 50% of all", "dueAt": "2020-01-01T00:00:00Z"})).await;
    assert_eq!(titles(desk, "").await, ["Milk", "Bread", "Letter to 50% of all"]);
    assert_eq!(titles(desk, "?overdue=true&titleContains=50%25").await, ["Letter to 50% of all"]);

    // The other device hears of it, each change once and in its order.
    assert_eq!(told(&mut on_desk).await, (list.to_owned(), "CREATED".to_owned()));
    for made in [&milk, &bread, &letter] {
        assert_eq!(told(&mut on_desk).await, (made.clone(), "CREATED".to_owned()));
    }

    // A key makes a second try harmless; a version makes what the other device has not seen safe.
    let path = format!("{TODOS}/{milk}");
    let twice = || {
        let ask = phone.request(Method::POST, TODOS).header("idempotency-key", "eggs");
        ask.json(json!({"title": "Eggs", "list": list})).send()
    };
    let (first, again): (Value, Value) = (twice().await.expect(201).data(), twice().await.expect(201).data());
    assert_eq!(first, again);
    let eggs = first["id"].as_str().unwrap();
    let seen = desk.get(&path).await.expect(200).header("etag").unwrap().to_owned();
    phone.patch(&path, json!({"title": "Oat milk"})).await.expect(200);
    let late =
        desk.request(Method::PATCH, &path).header("if-match", &seen).json(json!({"title": "Cow milk"}));
    late.send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    desk.post(&format!("{TODOS}/{letter}/move"), json!({"before": milk})).await.expect(200);
    assert_eq!(titles(phone, "").await, ["Letter to 50% of all", "Oat milk", "Bread", "Eggs"]);

    // All or none, into the bin and out of it.
    let unknown = shop.admin.id.clone();
    let some = json!({"action": "COMPLETE", "ids": [bread, unknown, eggs]});
    let refused = phone.post("/api/v1/todos/bulk", some).await.expect(404).refused(ErrorCode::NotFound);
    assert_eq!(refused.error.details[0].field, "ids[1]");
    assert!(titles(phone, "?completed=true").await.is_empty());
    phone.post("/api/v1/todos/bulk", json!({"action": "COMPLETE", "ids": [bread, eggs]})).await.expect(200);
    phone.post("/api/v1/todos/bulk", json!({"action": "DELETE", "ids": [bread, milk]})).await.expect(200);
    assert_eq!(titles(desk, "").await, ["Letter to 50% of all", "Eggs"]);
    desk.post(&format!("{path}/restore"), json!({})).await.expect(200);
    assert_eq!(titles(desk, "").await, ["Letter to 50% of all", "Oat milk", "Eggs"]);
    assert_eq!(titles(desk, "?deleted=true").await, ["Bread"]);

    // Page by page, while a device adds to it.
    let page = phone.get(&format!("{TODOS}?limit=2")).await.expect(200);
    let cursor = page.json()["pagination"]["cursor"].as_str().unwrap().to_owned();
    todo(desk, json!({"title": "Last"})).await;
    assert_eq!(titles(phone, &format!("?limit=5&cursor={cursor}")).await, ["Eggs", "Last"]);

    // Nobody else.
    for (method, path, body) in [
        (Method::GET, path.clone(), Value::Null),
        (Method::PATCH, path.clone(), json!({"title": "Eve's"})),
        (Method::DELETE, path.clone(), Value::Null),
        (Method::POST, "/api/v1/todos/bulk".to_owned(), json!({"action": "DELETE", "ids": [milk]})),
        (Method::GET, format!("/api/v1/todos/lists/{list}"), Value::Null),
        (Method::POST, TODOS.to_owned(), json!({"title": "In hers", "list": list})),
    ] {
        for stranger in [&eve.client, &shop.admin.client] {
            let ask = stranger.request(method.clone(), &path);
            let ask = if body.is_null() { ask } else { ask.json(&body) };
            ask.send().await.expect(404).refused(ErrorCode::NotFound);
        }
    }
    assert!(titles(&eve.client, "").await.is_empty());
    // The first that she hears of is her own.
    let hers = todo(&eve.client, json!({"title": "Hers"})).await;
    assert_eq!(told(&mut on_eves).await, (hers, "CREATED".to_owned()));
    for change in ["CREATED", "UPDATED", "MOVED", "COMPLETED", "COMPLETED", "DELETED", "DELETED", "RESTORED"]
    {
        assert_eq!(told(&mut on_desk).await.1, change);
    }
    phone.delete(&format!("/api/v1/todos/lists/{list}")).await.expect(204);
    assert_eq!(titles(desk, "?unlisted=true").await.len(), 4);
}

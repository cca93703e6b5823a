//! What the service publishes: an event for each change that was committed, and none for one that was not.

use crate::bench::{BULK, Bench, LISTS, at, ids};
use chassis::service::Parts;
use contract::todos::{TodoChanged, TodoListChanged};
use serde_json::{Value, json};
use testkit::{Ears, Engine, Listen, Listener, Setup, eventually, heard, on_both_engines};
use todos::Todos;

/// All that is published.
struct All;

impl Ears for All {
    type Publisher = Todos;

    fn open(parts: Parts) -> Parts {
        parts.on::<TodoChanged>("changed", Listen).on::<TodoListChanged>("list-changed", Listen)
    }
}

/// What came for somebody, as "what:version".
fn came(owner: &str) -> Vec<(String, String)> {
    let of = heard(owner).into_iter().map(|heard| heard.data).filter(|data| data["owner"] == owner);
    of.map(|data| {
        let id = data["todo"].as_str().or(data["list"].as_str()).unwrap().to_owned();
        (id, format!("{}:{}", data["change"].as_str().unwrap(), data["version"]))
    })
    .collect()
}

async fn each_change_is_told_once_in_its_order_and_without_words(engine: Engine) {
    let setup = Setup::of::<Todos>().and::<Listener<All>>();
    let Some(bench) = Bench::of(setup, engine, &[]).await else { return };
    let (ada, bob) = (bench.person(), bench.person());
    let (one, two) = (ada.todo("Secret words").await, ada.todo("two").await);
    bob.todo("his").await;
    let path = at(&one);
    ada.client.patch(&path, json!({"title": "Other words"})).await.expect(200);
    ada.client.patch(&path, json!({"title": "Other words"})).await.expect(200);
    ada.client.patch(&path, json!({"completed": true})).await.expect(200);
    ada.client.patch(&path, json!({"completed": false})).await.expect(200);
    ada.client.post(&format!("{path}/move"), json!({"after": two.id})).await.expect(200);
    ada.client.post(&format!("{path}/move"), json!({"after": two.id})).await.expect(200);
    ada.client.delete(&path).await.expect(204);
    ada.client.post(&format!("{path}/restore"), json!({})).await.expect(200);
    // None of these is a change.
    ada.client.patch(&path, json!({"title": ""})).await.expect(400);
    ada.client
        .post(BULK, json!({"action": "COMPLETE", "ids": [one.id, contract::ids::TodoId::new()]}))
        .await
        .expect(404);
    ada.client.post(BULK, json!({"action": "COMPLETE", "ids": ids(&[&one, &two])})).await.expect(200);
    let list = ada.list("Words").await;
    ada.client.patch(&format!("{LISTS}/{}", list.id), json!({"name": "More words"})).await.expect(200);
    ada.client.delete(&format!("{LISTS}/{}", list.id)).await.expect(204);
    let (one, two, list) = (one.id.to_string(), two.id.to_string(), list.id.to_string());
    let expected: Vec<(String, String)> = [
        (&one, "CREATED:1"),
        (&two, "CREATED:1"),
        (&one, "UPDATED:2"),
        (&one, "COMPLETED:3"),
        (&one, "REOPENED:4"),
        (&one, "MOVED:5"),
        (&one, "DELETED:6"),
        (&one, "RESTORED:7"),
        (&one, "COMPLETED:8"),
        (&two, "COMPLETED:2"),
    ]
    .map(|(id, what)| (id.clone(), what.to_owned()))
    .into();
    let of_list = ["CREATED:1", "RENAMED:2", "DELETED:3"].map(|what| (list.clone(), what.to_owned()));
    eventually(|| async {
        let came = came(&ada.id);
        // The two types are two subscriptions, each in its order.
        let (lists, todos): (Vec<_>, Vec<_>) = came.into_iter().partition(|(id, _)| *id == list);
        if todos == expected && lists == of_list { Ok(()) } else { Err((todos, lists)) }
    })
    .await;
    eventually(|| async { came(&bob.id).len() == 1 }).await;
    let told: Vec<Value> = heard(&ada.id).into_iter().map(|heard| heard.data).collect();
    let all = serde_json::to_string(&told).unwrap();
    assert!(!all.contains("words") && !all.contains("Words"), "{all}");
}

on_both_engines!(each_change_is_told_once_in_its_order_and_without_words);

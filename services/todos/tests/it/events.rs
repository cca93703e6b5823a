//! What the service publishes: an event for each change that was committed, and none for one that was not.

use crate::bench::{BULK, Bench, LISTS, at, ids};
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use chassis::openapi::document;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::Event;
use contract::todos::{TodoChanged, TodoListChanged};
use serde_json::{Value, json};
use std::sync::Mutex;
use testkit::{Engine, Setup, eventually, on_both_engines};
use todos::Todos;

/// A service that wants to know of all events.
struct Listener;

struct Listen;

/// The key and data of what came, in all tests of this process.
static CAME: Mutex<Vec<(String, Value)>> = Mutex::new(Vec::new());

impl<E: Event> Handler<E> for Listen {
    async fn handle(&self, _: &mut Tx, event: Received<E>) -> Handled {
        let data = serde_json::to_value(&event.data)?;
        CAME.lock().unwrap().push((event.subject, data));
        Ok(())
    }
}

settings! {
    /// None.
    struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

impl Service for Listener {
    const SPEC: Spec = Spec {
        name: "listener",
        about: "Hears everything",
        owns: &[],
        well_known: &[],
        door: false,
        needs: &[],
        // Some tables; it uses none of them.
        database: Todos::SPEC.database,
        events: &[],
        openapi: || document("Listener", "Hears everything."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, _: Context) -> anyhow::Result<Parts> {
        Ok(Parts::new(axum::Router::new())
            .on::<TodoChanged>("changed", Listen)
            .on::<TodoListChanged>("list-changed", Listen))
    }
}

/// What came for somebody, as "what:version".
fn came(owner: &str) -> Vec<(String, String)> {
    let came = CAME.lock().unwrap();
    let of = came.iter().filter(|(key, data)| key == owner && data["owner"] == owner);
    of.map(|(_, data)| {
        let id = data["todo"].as_str().or(data["list"].as_str()).unwrap().to_owned();
        (id, format!("{}:{}", data["change"].as_str().unwrap(), data["version"]))
    })
    .collect()
}

async fn each_change_is_told_once_in_its_order_and_without_words(engine: Engine) {
    let setup = Setup::of::<Todos>().and::<Listener>();
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
    let all = serde_json::to_string(&*CAME.lock().unwrap()).unwrap();
    assert!(!all.contains("words") && !all.contains("Words"), "{all}");
}

on_both_engines!(each_change_is_told_once_in_its_order_and_without_words);

//! Many at once.

use crate::bench::{BULK, Bench, Person, at, ids};
use contract::ErrorCode;
use contract::todos::Todo;
use futures_util::future::join_all;
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

impl Person {
    async fn change(&self, body: Value) -> Vec<Todo> {
        self.client.post(BULK, body).await.expect(200).data()
    }
}

async fn every_action_is_done_to_all_in_the_order_of_the_request(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let (one, two, list) = (ada.todo("one").await, ada.todo("two").await, ada.list("List").await);
    let both = ids(&[&two, &one]);
    let done = ada.change(json!({"action": "COMPLETE", "ids": both})).await;
    assert_eq!(done.iter().map(|todo| todo.title.as_str()).collect::<Vec<_>>(), ["two", "one"]);
    assert!(done.iter().all(|todo| todo.completed && todo.version == 2));
    // Those of which it holds already stay as they are.
    assert_eq!(ada.change(json!({"action": "COMPLETE", "ids": both})).await, done);
    let open = ada.change(json!({"action": "REOPEN", "ids": both})).await;
    assert!(open.iter().all(|todo| !todo.completed && todo.version == 3));
    let listed = ada.change(json!({"action": "MOVE", "ids": both, "list": list.id})).await;
    assert!(listed.iter().all(|todo| todo.list == Some(list.id)));
    let tagged = ada.change(json!({"action": "TAG", "ids": both, "addTags": ["Home", "work"]})).await;
    assert!(tagged.iter().all(|todo| todo.tags == ["home", "work"]));
    let tagged =
        ada.change(json!({"action": "TAG", "ids": both, "addTags": ["x"], "removeTags": ["WORK"]})).await;
    assert!(tagged.iter().all(|todo| todo.tags == ["home", "x"]));
    let out = ada.change(json!({"action": "MOVE", "ids": both, "list": null})).await;
    assert!(out.iter().all(|todo| todo.list.is_none()));
    let gone = ada.change(json!({"action": "DELETE", "ids": both})).await;
    assert!(gone.iter().all(|todo| todo.deleted_at.is_some()));
    assert!(ada.titles("").await.is_empty());
    let back = ada.change(json!({"action": "RESTORE", "ids": both})).await;
    assert!(back.iter().all(|todo| todo.deleted_at.is_none()));
    assert_eq!(ada.titles("").await, ["one", "two"]);
    assert_eq!(ada.read(&one).await, back[1]);
}

async fn one_that_cannot_be_changed_stops_all_and_is_named(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let tags: Vec<String> = (0..20).map(|n| format!("t{n}")).collect();
    let (one, full, gone) = (
        ada.todo("one").await,
        ada.make(json!({"title": "full", "tags": tags})).await,
        ada.todo("gone").await,
    );
    ada.client.delete(&at(&gone)).await.expect(204);
    let all = ids(&[&one, &full, &gone]);
    let refused = ada.client.post(BULK, json!({"action": "TAG", "ids": all, "addTags": ["more"]})).await;
    let refused = refused.expect(409).refused(ErrorCode::Conflict);
    let told: Vec<(String, String)> =
        refused.error.details.into_iter().map(|detail| (detail.field, detail.message)).collect();
    let expected = [("ids[1]", "would have more than 20 tags"), ("ids[2]", "is in the bin")];
    assert_eq!(told, expected.map(|(field, message)| (field.to_owned(), message.to_owned())));
    assert_eq!((ada.read(&one).await, ada.read(&full).await), (one, full));
}

async fn two_hundred_are_changed_and_not_one_more(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let mut made = Vec::new();
    for n in 0..201 {
        made.push(ada.todo(&format!("{n}")).await);
    }
    let all: Vec<&Todo> = made.iter().collect();
    let body = json!({"action": "COMPLETE", "ids": ids(&all)});
    ada.client.post(BULK, body).await.expect(400).refused(ErrorCode::Validation);
    let body = json!({"action": "COMPLETE", "ids": ids(&all[..200])});
    assert_eq!(ada.change(body).await.len(), 200);
    assert_eq!(bench.count("SELECT COUNT(*) FROM todo WHERE completed_at IS NOT NULL").await, 200);
    let twice = json!({"action": "COMPLETE", "ids": ids(&[all[0], all[1], all[0]])});
    ada.client.post(BULK, twice).await.expect(400).refused(ErrorCode::Validation);
}

/// Two that name the same ones in another order neither wait for each other nor mix.
async fn many_at_once_by_several_devices_come_one_after_the_other(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let mut made = Vec::new();
    for n in 0..10 {
        made.push(ada.todo(&format!("{n}")).await);
    }
    let forth: Vec<&Todo> = made.iter().collect();
    let back: Vec<&Todo> = made.iter().rev().collect();
    for _ in 0..4 {
        let requests = (0..6).map(|n| {
            let which = if n % 2 == 0 { ids(&forth) } else { ids(&back) };
            let action = if n % 3 == 0 { "REOPEN" } else { "COMPLETE" };
            ada.client.post(BULK, json!({"action": action, "ids": which}))
        });
        let answers = join_all(requests).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
        let done = bench.count("SELECT COUNT(*) FROM todo WHERE completed_at IS NOT NULL").await;
        assert!(done == 0 || done == 10, "{done}");
    }
}

on_both_engines!(
    every_action_is_done_to_all_in_the_order_of_the_request,
    one_that_cannot_be_changed_stops_all_and_is_named,
    two_hundred_are_changed_and_not_one_more,
    many_at_once_by_several_devices_come_one_after_the_other,
);

//! What is another's is not there.

use crate::bench::{BULK, Bench, LISTS, TODOS, at, ids};
use chassis::db::q;
use contract::ErrorCode;
use contract::todos::{Todo, TodoList};
use http::Method;
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

async fn anothers_todo_and_list_are_not_there_whatever_is_tried_with_them(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let (hers, list) = (ada.todo("Hers").await, ada.list("Hers").await);
    let mine = eve.todo("Mine").await;
    let (path, in_list) = (at(&hers), format!("{LISTS}/{}", list.id));
    for (method, path, body) in [
        (Method::GET, path.clone(), Value::Null),
        (Method::PATCH, path.clone(), json!({"title": "Eve's"})),
        (Method::DELETE, path.clone(), Value::Null),
        (Method::POST, format!("{path}/restore"), json!({})),
        (Method::POST, format!("{path}/move"), json!({"before": mine.id})),
        (Method::POST, format!("{}/move", at(&mine)), json!({"before": hers.id})),
        (Method::POST, format!("{}/move", at(&mine)), json!({"after": hers.id})),
        (Method::POST, BULK.to_owned(), json!({"action": "DELETE", "ids": ids(&[&hers])})),
        (Method::POST, BULK.to_owned(), json!({"action": "MOVE", "ids": ids(&[&mine]), "list": list.id})),
        (Method::POST, TODOS.to_owned(), json!({"title": "In hers", "list": list.id})),
        (Method::PATCH, at(&mine), json!({"list": list.id})),
        (Method::GET, in_list.clone(), Value::Null),
        (Method::PATCH, in_list.clone(), json!({"name": "Eve's"})),
        (Method::DELETE, in_list.clone(), Value::Null),
    ] {
        let ask = eve.client.request(method, &path);
        let ask = if body.is_null() { ask } else { ask.json(&body) };
        ask.send().await.expect(404).refused(ErrorCode::NotFound);
    }
    assert_eq!(eve.titles("").await, ["Mine"]);
    assert!(eve.titles(&format!("?list={}", list.id)).await.is_empty());
    assert!(eve.titles("?titleContains=hers").await.is_empty());
    assert!(eve.client.get(LISTS).await.expect(200).data::<Vec<TodoList>>().is_empty());
    assert_eq!(ada.read(&hers).await, hers);
    bench.service.client().get(TODOS).await.expect(401).refused(ErrorCode::Unauthenticated);
}

async fn many_at_once_of_which_one_is_anothers_are_not_changed_at_all(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let hers = ada.todo("Hers").await;
    let (one, two) = (eve.todo("One").await, eve.todo("Two").await);
    let body = json!({"action": "COMPLETE", "ids": ids(&[&one, &hers, &two])});
    let refused = eve.client.post(BULK, body).await.expect(404).refused(ErrorCode::NotFound);
    assert_eq!(refused.error.details.len(), 1);
    assert_eq!(refused.error.details[0].field, "ids[1]");
    assert_eq!((eve.read(&one).await, eve.read(&two).await), (one, two));
}

async fn one_bin_is_emptied_and_not_anothers(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let hers = ada.todo("Hers").await;
    ada.client.delete(&at(&hers)).await.expect(204);
    eve.client.delete("/api/v1/todos/bin").await.expect(204);
    assert_eq!(ada.titles("?deleted=true").await, ["Hers"]);
    assert!(eve.titles("?deleted=true").await.is_empty());
}

async fn what_the_service_says_of_a_todo_cannot_be_sent(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let mine = eve.todo("Mine").await;
    for (field, value) in [
        ("owner", json!(ada.id)),
        ("ownerId", json!(ada.id)),
        ("id", json!(mine.id)),
        ("version", json!(1)),
        ("createdAt", json!("2020-01-01T00:00:00Z")),
        ("completedAt", json!("2020-01-01T00:00:00Z")),
        ("deletedAt", Value::Null),
        ("position", json!(1)),
    ] {
        let body = json!({"title": "More", field: value});
        eve.client.post(TODOS, &body).await.expect(400).refused(ErrorCode::Validation);
        eve.client.patch(&at(&mine), &body).await.expect(400).refused(ErrorCode::Validation);
    }
    assert_eq!(eve.titles("").await, ["Mine"]);
    assert!(ada.titles("").await.is_empty());
}

/// Also where no code asks: the database itself refuses it.
async fn no_row_stands_in_anothers_list(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, eve) = (bench.person(), bench.person());
    let (list, mine): (TodoList, Todo) = (ada.list("Hers").await, eve.todo("Mine").await);
    let db = bench.db();
    let sql = "UPDATE todo SET list_id = $1 WHERE id = $2";
    let done: Result<u64, _> = q!(db.write, execute, sql, list.id.uuid(), mine.id.uuid());
    assert!(done.is_err());
}

on_both_engines!(
    anothers_todo_and_list_are_not_there_whatever_is_tried_with_them,
    many_at_once_of_which_one_is_anothers_are_not_changed_at_all,
    one_bin_is_emptied_and_not_anothers,
    what_the_service_says_of_a_todo_cannot_be_sent,
    no_row_stands_in_anothers_list,
);

//! Lists of todos.

use crate::bench::{Bench, LISTS, at};
use contract::ErrorCode;
use contract::todos::TodoList;
use http::Method;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_list_is_made_renamed_and_removed_and_its_todos_stay(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let list = ada.list(" Groceries ").await;
    bench.pass(1);
    let other = ada.list("Work").await;
    let path = format!("{LISTS}/{}", list.id);
    assert_eq!((list.name.as_str(), list.version), ("Groceries", 1));
    let read = ada.client.get(&path).await.expect(200);
    assert_eq!((read.header("etag"), read.data::<TodoList>()), (Some("\"1\""), list.clone()));
    let renamed: TodoList = ada.client.patch(&path, json!({"name": "Shop"})).await.expect(200).data();
    assert_eq!((renamed.name.as_str(), renamed.version), ("Shop", 2));
    let same: TodoList = ada.client.patch(&path, json!({"name": "Shop"})).await.expect(200).data();
    assert_eq!(same, renamed);
    for method in [Method::PATCH, Method::DELETE] {
        let ask = ada.client.request(method, &path).header("if-match", "\"1\"").json(json!({"name": "Lost"}));
        ask.send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    }
    let all: Vec<TodoList> = ada.client.get(LISTS).await.expect(200).data();
    assert_eq!(all, [renamed, other]);

    let milk = ada.make(json!({"title": "Milk", "list": list.id})).await;
    let gone = ada.make(json!({"title": "Gone", "list": list.id})).await;
    ada.client.delete(&at(&gone)).await.expect(204);
    ada.client.delete(&path).await.expect(204);
    ada.client.delete(&path).await.expect(404);
    let milk = ada.read(&milk).await;
    assert_eq!((milk.list, milk.version), (None, 2));
    let back = ada.client.post(&format!("{}/restore", at(&gone)), json!({})).await.expect(200);
    assert!(back.json()["data"]["list"].is_null());
    for bad in [
        json!({"name": " "}),
        json!({"name": "x".repeat(101)}),
        json!({"name": "x", "owner": ada.id}),
        json!({}),
    ] {
        ada.client.post(LISTS, bad).await.expect(400).refused(ErrorCode::Validation);
    }
}

on_both_engines!(a_list_is_made_renamed_and_removed_and_its_todos_stay);

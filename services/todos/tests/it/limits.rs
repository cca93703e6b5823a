//! How much one person may have.

use crate::bench::{Bench, LISTS, TODOS, at};
use contract::ErrorCode;
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn nobody_has_more_than_they_may_however_they_ask(engine: Engine) {
    let settings = [("BOWLINE_TODOS__MAX_PER_USER", "5"), ("BOWLINE_TODOS__MAX_LISTS", "3")];
    let Some(bench) = Bench::start_with(engine, &settings).await else { return };
    let (ada, bob) = (bench.person(), bench.person());
    let first = ada.todo("first").await;
    let answers = join_all((0..12).map(|n| ada.client.post(TODOS, json!({"title": format!("{n}")})))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 4);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.expect(409).refused(ErrorCode::LimitReached);
    }
    // The bin counts until it is emptied.
    ada.client.delete(&at(&first)).await.expect(204);
    ada.client.post(TODOS, json!({"title": "more"})).await.refused(ErrorCode::LimitReached);
    ada.client.delete("/api/v1/todos/bin").await.expect(204);
    ada.client.post(TODOS, json!({"title": "more"})).await.expect(201);
    bob.todo("his").await;

    let answers = join_all((0..7).map(|n| ada.client.post(LISTS, json!({"name": format!("{n}")})))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 3);
    assert_eq!(bench.count("SELECT COUNT(*) FROM todo_list").await, 3);
}

on_both_engines!(nobody_has_more_than_they_may_however_they_ask);

//! The bin.

use crate::bench::{Bench, at};
use chassis::clock::Ts;
use contract::ErrorCode;
use contract::todos::Todo;
use serde_json::json;
use std::time::Duration;
use testkit::{Engine, eventually, on_both_engines};
use todos::store::todo;

async fn what_is_deleted_is_in_the_bin_and_comes_back_where_it_was(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let (_, b, _) = (ada.todo("a").await, ada.todo("b").await, ada.todo("c").await);
    ada.client.delete(&at(&b)).await.expect(204);
    ada.client.delete(&at(&b)).await.expect(204);
    assert_eq!(ada.titles("").await, ["a", "c"]);
    assert_eq!(ada.titles("?deleted=true").await, ["b"]);
    let gone = ada.read(&b).await;
    assert!(gone.deleted_at.is_some() && gone.version == 2);
    // It is restored before it is changed.
    ada.client.patch(&at(&b), json!({"title": "x"})).await.expect(409).refused(ErrorCode::Conflict);
    let back: Todo = ada.client.post(&format!("{}/restore", at(&b)), json!({})).await.expect(200).data();
    assert_eq!((back.deleted_at, back.version), (None, 3));
    let again: Todo = ada.client.post(&format!("{}/restore", at(&b)), json!({})).await.expect(200).data();
    assert_eq!(again, back);
    assert_eq!(ada.titles("").await, ["a", "b", "c"]);
}

async fn an_emptied_bin_is_gone_for_good_and_nothing_else_is(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let (gone, _) = (ada.todo("gone").await, ada.todo("kept").await);
    ada.client.delete(&at(&gone)).await.expect(204);
    ada.client.delete("/api/v1/todos/bin").await.expect(204);
    ada.client.delete("/api/v1/todos/bin").await.expect(204);
    ada.client.get(&at(&gone)).await.expect(404);
    ada.client.post(&format!("{}/restore", at(&gone)), json!({})).await.expect(404);
    assert_eq!(ada.titles("").await, ["kept"]);
}

/// Without jobs, which would remove too.
async fn what_was_long_enough_in_the_bin_is_removed_and_nothing_else(engine: Engine) {
    let Some(bench) = Bench::start_with(engine, &[("BOWLINE_JOBS__ENABLED", "false")]).await else { return };
    let ada = bench.person();
    let (old, young, kept) = (ada.todo("old").await, ada.todo("young").await, ada.todo("kept").await);
    ada.client.delete(&at(&old)).await.expect(204);
    bench.pass(60);
    ada.client.delete(&at(&young)).await.expect(204);
    let now: Ts = bench.service.clock().now();
    let before = now - Duration::from_secs(30);
    assert_eq!(todo::delete_binned(bench.db(), before, 10).await.unwrap(), 1);
    assert_eq!(todo::delete_binned(bench.db(), before, 10).await.unwrap(), 0);
    ada.client.get(&at(&old)).await.expect(404);
    assert_eq!(ada.titles("?deleted=true").await, ["young"]);
    ada.client.get(&at(&kept)).await.expect(200);
}

async fn the_job_empties_bins_after_their_days(engine: Engine) {
    let settings = [("BOWLINE_TODOS__BIN_DAYS", "2"), ("BOWLINE_JOBS__POLL_MS", "20")];
    let Some(bench) = Bench::start_with(engine, &settings).await else { return };
    let ada = bench.person();
    let gone = ada.todo("gone").await;
    ada.client.delete(&at(&gone)).await.expect(204);
    bench.pass(2 * 86_400 + 3_700);
    eventually(|| async {
        let left = bench.count("SELECT COUNT(*) FROM todo").await;
        if left == 0 { Ok(()) } else { Err(left) }
    })
    .await;
}

on_both_engines!(
    what_is_deleted_is_in_the_bin_and_comes_back_where_it_was,
    an_emptied_bin_is_gone_for_good_and_nothing_else_is,
    what_was_long_enough_in_the_bin_is_removed_and_nothing_else,
    the_job_empties_bins_after_their_days,
);

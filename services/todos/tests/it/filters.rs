//! Filters and orders.

use crate::bench::{Bench, TODOS, at};
use contract::ErrorCode;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_title_is_searched_for_as_it_is_typed(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    for title in
        ["100% done", "100 done", "a_b", "axb", "back\\slash", "ÄRZTIN rufen", "A\u{308}pfel", "it's"]
    {
        ada.todo(title).await;
    }
    let found = async |text: &str| ada.titles(&format!("?titleContains={text}")).await;
    // What means something to LIKE means nothing here.
    assert_eq!(found("100%25").await, ["100% done"]);
    assert_eq!(found("%25").await, ["100% done"]);
    assert_eq!(found("a_b").await, ["a_b"]);
    assert_eq!(found("%5C").await, ["back\\slash"]);
    assert_eq!(found("DONE").await, ["100% done", "100 done"]);
    assert_eq!(found("%C3%A4rzt").await, ["ÄRZTIN rufen"]);
    assert_eq!(found("%C3%84PFEL").await.len(), 1);
    assert_eq!(found("'").await, ["it's"]);
    assert!(found("'%20OR%201=1%20--").await.is_empty());
    assert_eq!(found("").await.len(), 8);
    let refused = ada.client.get(&format!("{TODOS}?titleContains=%00")).await.expect(400);
    assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "titleContains");
}

async fn filters_are_joined_by_and(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let now = bench.service.clock().now().to_datetime();
    let format =
        |at: time::OffsetDateTime| at.format(&time::format_description::well_known::Rfc3339).unwrap();
    let (past, soon, late) =
        (now - time::Duration::hours(1), now + time::Duration::seconds(10), now + time::Duration::days(3));
    let list = ada.list("List").await;
    ada.make(json!({"title": "late", "dueAt": format(late), "tags": ["home"], "list": list.id})).await;
    ada.make(json!({"title": "soon", "dueAt": format(soon), "tags": ["home", "work"]})).await;
    ada.make(json!({"title": "overdue", "dueAt": format(past)})).await;
    ada.make(json!({"title": "done", "dueAt": format(past), "completed": true})).await;
    ada.make(json!({"title": "never", "list": list.id})).await;
    let titles = async |query: &str| ada.titles(query).await.join(" ");
    assert_eq!(titles("?completed=true").await, "done");
    assert_eq!(titles("?completed=false").await, "late soon overdue never");
    assert_eq!(titles("?overdue=true").await, "overdue");
    assert_eq!(titles("?overdue=false").await, "late soon done never");
    assert_eq!(titles(&format!("?list={}", list.id)).await, "late never");
    assert_eq!(titles("?unlisted=true").await, "soon overdue done");
    assert_eq!(titles("?unlisted=false").await, "late never");
    assert_eq!(titles("?tag=HOME").await, "late soon");
    assert_eq!(titles("?tag=hom").await, "");
    assert_eq!(titles("?tag=home&unlisted=true").await, "soon");
    assert_eq!(titles(&format!("?dueBefore={}", format(soon))).await, "overdue done");
    assert_eq!(titles(&format!("?dueAfter={}", format(soon))).await, "late soon");
    let between = format!("?dueAfter={}&dueBefore={}", format(past), format(late));
    assert_eq!(titles(&between).await, "soon overdue done");
    assert_eq!(titles("?sort=dueAt").await.split(' ').next_back(), Some("never"));
    assert_eq!(titles("?sort=-dueAt").await, "never late soon done overdue");
    bench.pass(20);
    assert_eq!(titles("?overdue=true").await, "soon overdue");
}

async fn every_order_is_the_same_on_both_engines(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let mut made = Vec::new();
    for title in ["b", "C", "a", "Ä", "_", "é"] {
        made.push(ada.todo(title).await);
        bench.pass(1);
    }
    ada.client.patch(&at(&made[1]), json!({"completed": true})).await.expect(200);
    let titles = async |sort: &str| ada.titles(&format!("?sort={sort}")).await.join(" ");
    assert_eq!(titles("createdAt").await, "b C a Ä _ é");
    assert_eq!(titles("-createdAt").await, "é _ Ä a C b");
    assert_eq!(titles("position").await, "b C a Ä _ é");
    assert_eq!(titles("title").await, "_ a b C Ä é");
    assert_eq!(titles("-title").await, "é Ä C b a _");
    assert_eq!(titles("-updatedAt").await, "C é _ Ä a b");
    assert_eq!(titles("-completed").await.split(' ').next(), Some("C"));
    assert_eq!(titles("completed").await.split(' ').next_back(), Some("C"));
    for bad in ["owner", "rank", "title;drop", "--title", ""] {
        let refused = ada.client.get(&format!("{TODOS}?sort={bad}")).await.expect(400);
        assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "sort", "{bad}");
    }
    for bad in ["limit=101", "limit=0", "page=0", "completed=perhaps", "owner=x", "dueBefore=now"] {
        ada.client.get(&format!("{TODOS}?{bad}")).await.expect(400).refused(ErrorCode::Validation);
    }
}

on_both_engines!(
    a_title_is_searched_for_as_it_is_typed,
    filters_are_joined_by_and,
    every_order_is_the_same_on_both_engines,
);

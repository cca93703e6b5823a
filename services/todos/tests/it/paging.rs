//! Pages, by number and by cursor.

use crate::bench::{Bench, Person, TODOS, at};
use contract::ErrorCode;
use contract::todos::Todo;
use serde_json::json;
use std::collections::BTreeSet;
use testkit::{Engine, on_both_engines};

const ORDERS: [&str; 12] = [
    "position",
    "-position",
    "createdAt",
    "-createdAt",
    "updatedAt",
    "-updatedAt",
    "title",
    "-title",
    "completed",
    "-completed",
    "dueAt",
    "-dueAt",
];

async fn some(bench: &Bench, person: &Person, count: u64) -> Vec<Todo> {
    let mut made = Vec::new();
    for n in 0..count {
        // Some have the same title, the same time and no due date, so that only the identifier tells them apart.
        let due = (n % 3 != 0).then(|| format!("2027-03-0{}T00:00:00Z", 1 + n % 4));
        let body = json!({"title": format!("t{}", n % 4), "completed": n % 2 == 0, "dueAt": due});
        made.push(person.make(body).await);
        bench.pass(n % 2);
    }
    made
}

impl Person {
    /// One page: its rows, and the cursor of the next.
    async fn page(&self, query: &str) -> (Vec<Todo>, Option<String>) {
        let answer = self.client.get(&format!("{TODOS}{query}")).await.expect(200);
        let cursor = answer.json()["pagination"]["cursor"].as_str().map(str::to_owned);
        (answer.data(), cursor)
    }
}

async fn pages_by_cursor_are_the_whole_list_in_every_order(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    some(&bench, &ada, 11).await;
    for order in ORDERS {
        let (whole, none) = ada.page(&format!("?limit=100&sort={order}")).await;
        assert_eq!((whole.len(), none), (11, None));
        let (mut read, mut next) = ada.page(&format!("?limit=3&sort={order}")).await;
        while let Some(cursor) = next {
            let (more, then) = ada.page(&format!("?limit=3&sort={order}&cursor={cursor}")).await;
            assert!(!more.is_empty());
            read.extend(more);
            next = then;
        }
        assert_eq!(read, whole, "{order}");
        // And by number.
        let mut numbered = Vec::new();
        for page in 1..=4 {
            numbered.extend(ada.page(&format!("?limit=3&sort={order}&page={page}")).await.0);
        }
        assert_eq!(numbered, whole, "{order}");
    }
}

async fn what_changes_meanwhile_neither_repeats_a_row_nor_leaves_one_out(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    for order in ["position", "-position", "createdAt", "-createdAt", "title", "dueAt", "-completed"] {
        let ada = bench.person();
        let made = some(&bench, &ada, 12).await;
        let mut seen: Vec<String> = Vec::new();
        let (mut rows, mut next) = ada.page(&format!("?limit=3&sort={order}")).await;
        let mut round = 0;
        loop {
            seen.extend(rows.iter().map(|todo| todo.id.to_string()));
            let Some(cursor) = next else { break };
            // One that was seen goes, one comes, and one is renamed in a field that nothing is sorted by here.
            ada.client.delete(&format!("{TODOS}/{}", rows[0].id)).await.expect(204);
            ada.make(json!({"title": "t0"})).await;
            let notes = json!({"notes": format!("round {round}")});
            ada.client.patch(&at(&made[11]), notes).await;
            round += 1;
            (rows, next) = ada.page(&format!("?limit=3&sort={order}&cursor={cursor}")).await;
            assert!(round < 20, "{order} has no end");
        }
        let different: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(different.len(), seen.len(), "{order} repeats a row");
        for todo in &made {
            assert!(seen.contains(&todo.id.to_string()), "{order} leaves one out");
        }
    }
}

async fn a_page_tells_where_it_stands(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    some(&bench, &ada, 5).await;
    let answer = ada.client.get(&format!("{TODOS}?limit=2&page=2")).await.expect(200);
    let place = &answer.json()["pagination"];
    assert_eq!((&place["total"], &place["pages"], &place["page"]), (&json!(5), &json!(3), &json!(2)));
    assert_eq!((&place["hasNext"], &place["hasPrev"]), (&json!(true), &json!(true)));
    let cursor = place["cursor"].as_str().unwrap().to_owned();
    let last = ada.client.get(&format!("{TODOS}?limit=2&cursor={cursor}")).await.expect(200);
    let place = &last.json()["pagination"];
    assert_eq!(
        (&place["hasNext"], &place["hasPrev"], &place["total"]),
        (&json!(false), &json!(true), &json!(null))
    );
    assert_eq!(last.data::<Vec<Todo>>().len(), 1);

    for query in [
        format!("?cursor={cursor}&page=1"),
        format!("?cursor={cursor}&sort=title"),
        format!("?cursor={cursor}&sort=-position"),
        "?cursor=x".to_owned(),
        "?cursor=".to_owned(),
        format!("?cursor={cursor}AAAA"),
    ] {
        let answer = ada.client.get(&format!("{TODOS}{query}")).await;
        if query.ends_with("AAAA") {
            // A longer place is a place, and behind the one that was meant.
            assert!(answer.status == 200 || answer.status == 400);
        } else {
            answer.expect(400).refused(ErrorCode::Validation);
        }
    }
    // A cursor is no way to what is another's.
    let eve = bench.person();
    assert!(eve.page(&format!("?cursor={cursor}")).await.0.is_empty());
}

on_both_engines!(
    pages_by_cursor_are_the_whole_list_in_every_order,
    what_changes_meanwhile_neither_repeats_a_row_nor_leaves_one_out,
    a_page_tells_where_it_stands,
);

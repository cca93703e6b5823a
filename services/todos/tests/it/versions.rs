//! Nobody overwrites what they have not seen.

use crate::bench::{Bench, TODOS, at};
use contract::ErrorCode;
use contract::todos::Todo;
use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Engine, on_both_engines};

async fn a_todo_is_made_read_changed_and_shown_as_it_is(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let body = json!({
        "title": "  Buy milk ", "notes": "Two\nlitres", "tags": ["Shop", "home", "shop"], "dueAt": "2027-03-01T10:00:00+02:00",
    });
    let answer = ada.client.post(TODOS, body).await.expect(201);
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let made: Value = answer.data();
    assert_eq!(answer.location().unwrap(), format!("{TODOS}/{}", made["id"].as_str().unwrap()));
    assert_eq!(made["title"], "Buy milk");
    assert_eq!(made["tags"], json!(["home", "shop"]));
    assert_eq!(made["dueAt"], "2027-03-01T08:00:00Z");
    assert_eq!((&made["completed"], &made["version"]), (&json!(false), &json!(1)));
    let todo: Todo = answer.data();
    let read = ada.client.get(&at(&todo)).await.expect(200);
    assert_eq!(read.data::<Value>(), made);
    let known = ada.client.request(Method::GET, &at(&todo)).header("if-none-match", "\"1\"").send().await;
    known.expect(304);

    bench.pass(60);
    let change = json!({"notes": null, "dueAt": null, "completed": true, "tags": []});
    let changed: Todo = ada.client.patch(&at(&todo), change).await.expect(200).data();
    assert_eq!((changed.notes.as_deref(), changed.due_at, changed.version), (None, None, 2));
    assert!(changed.completed && changed.completed_at.unwrap() > todo.created_at);
    assert_eq!(changed.title, "Buy milk");
    // The same again is no change.
    let again: Todo = ada.client.patch(&at(&todo), json!({"completed": true})).await.expect(200).data();
    assert_eq!(again, changed);
    let open: Todo = ada.client.patch(&at(&todo), json!({"completed": false})).await.expect(200).data();
    assert_eq!((open.completed, open.completed_at, open.version), (false, None, 3));
}

async fn who_has_seen_an_older_version_changes_nothing(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let (todo, other) = (ada.todo("Old").await, ada.todo("Other").await);
    ada.client.patch(&at(&todo), json!({"title": "New"})).await.expect(200);
    for (method, path, body) in [
        (Method::PATCH, at(&todo), json!({"title": "Lost"})),
        (Method::POST, format!("{}/move", at(&todo)), json!({"after": other.id})),
        (Method::POST, format!("{}/restore", at(&todo)), json!({})),
        (Method::DELETE, at(&todo), json!({})),
    ] {
        let ask = ada.client.request(method, &path).header("if-match", "\"1\"").json(&body);
        let refused = ask.send().await.expect(412);
        assert_eq!(refused.header("etag"), Some("\"2\""));
        refused.refused(ErrorCode::PreconditionFailed);
    }
    assert_eq!(ada.titles("").await, ["New", "Other"]);
    let ask = ada.client.request(Method::PATCH, &at(&todo)).header("if-match", "\"2\"");
    ask.json(json!({"title": "Seen"})).send().await.expect(200);
}

/// Eight devices read the same version and write: one wins, and all others are told.
async fn of_many_who_have_seen_the_same_one_wins(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let todo = ada.todo("Race").await;
    for version in 1..=5 {
        let seen = format!("\"{version}\"");
        let write = |n: usize| {
            let ask = ada.client.request(Method::PATCH, &at(&todo)).header("if-match", &seen);
            ask.json(json!({"title": format!("{version}-{n}")})).send()
        };
        let answers: Vec<Answer> = join_all((0..8).map(write)).await;
        let won: Vec<&Answer> = answers.iter().filter(|answer| answer.status == 200).collect();
        assert_eq!(won.len(), 1);
        assert!(answers.iter().all(|answer| answer.status == 200 || answer.status == 412));
        assert_eq!(ada.read(&todo).await, won[0].data());
    }
    assert_eq!(ada.read(&todo).await.version, 6);
}

/// Without a condition each change is kept, one after the other: none is lost half.
async fn changes_of_different_fields_at_once_are_all_kept(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let todo = ada.todo("Before").await;
    let changes = [
        json!({"title": "After"}),
        json!({"notes": "Notes"}),
        json!({"tags": ["one"]}),
        json!({"completed": true}),
        json!({"dueAt": "2027-03-01T10:00:00Z"}),
    ];
    let path = at(&todo);
    let answers = join_all(changes.iter().map(|change| ada.client.patch(&path, change))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    let now = ada.read(&todo).await;
    assert_eq!((now.title.as_str(), now.notes.as_deref(), now.version), ("After", Some("Notes"), 6));
    assert!(now.completed && now.due_at.is_some() && now.tags == ["one"]);
}

/// A predecessor switched between done and not done, and two clicks of two devices came to anything.
async fn done_said_by_many_at_once_is_done_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let todo = ada.todo("Race").await;
    let path = at(&todo);
    join_all((0..9).map(|_| ada.client.patch(&path, json!({"completed": true})))).await;
    let now = ada.read(&todo).await;
    assert_eq!((now.completed, now.version), (true, 2));
}

async fn what_is_wrong_is_said_of_each_field(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    for (body, field) in [
        (json!({"title": " "}), "title"),
        (json!({"title": "x".repeat(201)}), "title"),
        (json!({"title": "two\nlines"}), "title"),
        (json!({}), "title"),
        (json!({"title": "x", "notes": "\u{0}"}), "notes"),
        (json!({"title": "x", "tags": ["a,b"]}), "tags"),
        (json!({"title": "x", "dueAt": "1969-12-31T23:59:59Z"}), "dueAt"),
        (json!({"title": "x", "dueAt": "tomorrow"}), "dueAt"),
        (json!({"title": "x", "list": "none"}), "list"),
    ] {
        let refused = ada.client.post(TODOS, &body).await.expect(400).refused(ErrorCode::Validation);
        assert_eq!(refused.error.details[0].field, field, "{body}");
    }
    ada.client.post(TODOS, json!({"title": "x".repeat(200)})).await.expect(201);
}

on_both_engines!(
    a_todo_is_made_read_changed_and_shown_as_it_is,
    who_has_seen_an_older_version_changes_nothing,
    of_many_who_have_seen_the_same_one_wins,
    changes_of_different_fields_at_once_are_all_kept,
    done_said_by_many_at_once_is_done_once,
    what_is_wrong_is_said_of_each_field,
);

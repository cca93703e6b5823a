//! Places.

use crate::bench::{Bench, Person, TODOS, at};
use chassis::db::Tx;
use contract::ErrorCode;
use contract::ids::UserId;
use contract::todos::Todo;
use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use std::collections::BTreeSet;
use testkit::{Answer, Engine, on_both_engines};
use todos::domain::rank::Rank;
use todos::store::{owner, place};

async fn put(person: &Person, todo: &Todo, side: &str, other: &Todo) -> Answer {
    person.client.post(&format!("{}/move", at(todo)), json!({side: other.id})).await
}

async fn several(person: &Person, titles: &str) -> Vec<Todo> {
    let mut made = Vec::new();
    for title in titles.split(' ') {
        made.push(person.todo(title).await);
    }
    made
}

async fn a_todo_goes_before_or_after_another_and_nowhere_else(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, bob) = (bench.person(), bench.person());
    let made = several(&ada, "a b c d").await;
    bob.todo("his").await;
    let [a, b, c, d] = made.try_into().unwrap();
    put(&ada, &d, "before", &a).await.expect(200);
    assert_eq!(ada.titles("").await, ["d", "a", "b", "c"]);
    put(&ada, &d, "after", &b).await.expect(200);
    assert_eq!(ada.titles("").await, ["a", "b", "d", "c"]);
    put(&ada, &a, "after", &c).await.expect(200);
    assert_eq!(ada.titles("").await, ["b", "d", "c", "a"]);
    assert_eq!(ada.titles("?sort=-position").await, ["a", "c", "d", "b"]);
    // Where it stands already it stays, and its version too.
    let now = ada.read(&a).await;
    let same: Todo = put(&ada, &a, "after", &c).await.expect(200).data();
    assert_eq!((same.version, &same), (now.version, &now));
    let moved: Todo = put(&ada, &a, "before", &b).await.expect(200).data();
    assert_eq!((moved.version, moved.updated_at), (now.version + 1, now.updated_at));

    put(&ada, &a, "before", &a).await.refused(ErrorCode::Validation);
    let both = json!({"before": b.id, "after": c.id});
    ada.client.post(&format!("{}/move", at(&a)), both).await.refused(ErrorCode::Validation);
    ada.client.post(&format!("{}/move", at(&a)), json!({})).await.refused(ErrorCode::Validation);
    ada.client.delete(&at(&c)).await.expect(204);
    put(&ada, &a, "after", &c).await.expect(404).refused(ErrorCode::NotFound);
    put(&ada, &c, "after", &a).await.expect(409).refused(ErrorCode::Conflict);
    assert_eq!(ada.titles("").await, ["a", "b", "d"]);
    assert_eq!(bob.titles("").await, ["his"]);
}

/// A list of ours does what the service's order does, whatever is moved, deleted, restored and added.
async fn the_order_is_that_of_a_list_after_any_moves(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let mut runner =
        TestRunner::new_with_rng(Config::default(), TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let step = (0_usize..10, 0_usize..12, 0_usize..12);
    let steps = proptest::collection::vec(step, 60);
    for _ in 0..3 {
        let ada = bench.person();
        let mut model = several(&ada, "a b c d").await;
        let mut gone: Vec<(usize, Todo)> = Vec::new();
        for (what, one, other) in steps.new_tree(&mut runner).unwrap().current() {
            match what {
                0 => model.push(ada.todo(&format!("n{one}")).await),
                1 if model.len() > 2 => {
                    let at_place = one % model.len();
                    let todo = model.remove(at_place);
                    ada.client.delete(&at(&todo)).await.expect(204);
                    gone.push((at_place, todo));
                }
                2 if gone.last().is_some() => {
                    let (_, todo) = gone.pop().unwrap();
                    ada.client.post(&format!("{}/restore", at(&todo)), json!({})).await.expect(200);
                    // Where it comes back is told below: somewhere, and the others stay as they were.
                    let now = ada.titles_with_ids().await;
                    let place = now.iter().position(|id| *id == todo.id.to_string()).unwrap();
                    model.insert(place, todo);
                }
                _ => {
                    let (one, other) = (one % model.len(), other % model.len());
                    if one == other {
                        continue;
                    }
                    let side = if what % 2 == 0 { "before" } else { "after" };
                    put(&ada, &model[one], side, &model[other]).await.expect(200);
                    let (moved, beside) = (model[one].clone(), model[other].id);
                    model.remove(one);
                    let place = model.iter().position(|todo| todo.id == beside).unwrap();
                    model.insert(if what % 2 == 0 { place } else { place + 1 }, moved);
                }
            }
            let expected: Vec<String> = model.iter().map(|todo| todo.id.to_string()).collect();
            assert_eq!(ada.titles_with_ids().await, expected);
        }
    }
}

impl Person {
    async fn titles_with_ids(&self) -> Vec<String> {
        let all: Vec<Todo> = self.client.get(&format!("{TODOS}?limit=100")).await.expect(200).data();
        all.into_iter().map(|todo| todo.id.to_string()).collect()
    }
}

/// Many devices move and add at once: afterwards everything has one place, and none was lost.
async fn moves_at_once_leave_everything_in_one_place_each(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person();
    let made = several(&ada, "a b c d e f g h").await;
    for round in 0..6 {
        let moves = (0..8).map(|n| {
            let (one, other) = (&made[n], &made[(n + round + 1) % 8]);
            put(&ada, one, if n % 2 == 0 { "before" } else { "after" }, other)
        });
        let more = async {
            ada.todo(&format!("more{round}")).await;
        };
        let (answers, ()) = futures_util::future::join(join_all(moves), more).await;
        assert!(answers.iter().all(|answer| answer.status == 200));
    }
    let titles = ada.titles("?limit=100").await;
    let different: BTreeSet<&String> = titles.iter().collect();
    assert_eq!((titles.len(), different.len()), (14, 14));
    assert_eq!(bench.count("SELECT COUNT(DISTINCT rank) FROM todo").await, 14);
    // The last one to move stands where it was put.
    put(&ada, &made[3], "after", &made[5]).await.expect(200);
    let titles = ada.titles("?limit=100").await;
    let place = titles.iter().position(|title| title == "f").unwrap();
    assert_eq!(titles[place + 1], "d");
}

/// Gives two todos places with a gap between them that no short place fits in.
async fn tighten(bench: &Bench, person: &Person, low: &Todo, high: &Todo) {
    let user: UserId = person.id.parse().unwrap();
    let mut tx: Tx = bench.db().begin().await.unwrap();
    owner::hold(&mut tx, user).await.unwrap();
    let from = place::find(&mut tx, user, low.id).await.unwrap().unwrap();
    let mut to = place::find(&mut tx, user, high.id).await.unwrap().unwrap();
    while from.between(&to).as_bytes().len() <= todos::domain::rank::LONGEST {
        to = from.between(&to);
    }
    assert!(Rank::of_bytes(to.as_bytes().to_vec()).is_some());
    let version = high.version + 1;
    assert!(place::set(&mut tx, user, high.id, &to, version).await.unwrap());
    tx.commit().await.unwrap();
}

async fn places_that_have_grown_too_long_are_given_anew_in_their_order(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, bob) = (bench.person(), bench.person());
    let made = several(&ada, "a b c d").await;
    several(&bob, "x y").await;
    let first = ada.client.get(&format!("{TODOS}?limit=1")).await.expect(200);
    let cursor = first.json()["pagination"]["cursor"].as_str().unwrap().to_owned();
    let by_title = ada.client.get(&format!("{TODOS}?limit=1&sort=title")).await.expect(200);
    let by_title = by_title.json()["pagination"]["cursor"].as_str().unwrap().to_owned();
    tighten(&bench, &ada, &made[0], &made[1]).await;
    assert_eq!(ada.titles("").await, ["a", "b", "c", "d"]);
    put(&ada, &made[3], "after", &made[0]).await.expect(200);
    assert_eq!(ada.titles("").await, ["a", "d", "b", "c"]);
    assert_eq!(bob.titles("").await, ["x", "y"]);
    let longest = bench.count("SELECT CAST(MAX(length(rank)) AS BIGINT) FROM todo").await;
    assert!(longest < 20, "{longest}");
    // Who was reading by place is told, and does not read the same again; who was reading by title is not disturbed.
    let refused = ada.client.get(&format!("{TODOS}?limit=1&cursor={cursor}")).await.expect(400);
    let refused = refused.refused(ErrorCode::Validation);
    assert!(refused.error.details[0].message.contains("given anew"));
    assert_eq!(ada.titles(&format!("?limit=9&sort=title&cursor={by_title}")).await, ["b", "c", "d"]);
    // Nobody's version has changed but that of the one that was moved.
    assert_eq!(ada.read(&made[2]).await.version, 1);
}

on_both_engines!(
    a_todo_goes_before_or_after_another_and_nowhere_else,
    the_order_is_that_of_a_list_after_any_moves,
    moves_at_once_leave_everything_in_one_place_each,
    places_that_have_grown_too_long_are_given_anew_in_their_order,
);

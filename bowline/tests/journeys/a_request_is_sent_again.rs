//! A client that does not know whether its request arrived sends it again, and nothing happens twice.

use crate::support::{Person, Sandbox, in_both_shapes};
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};
use testkit::{Answer, Client, eventually};
use tokio::task::JoinSet;
use uuid::Uuid;

in_both_shapes!(a_key_gets_its_answer_again_after_a_kill, a_hundred_at_once_and_a_kill_make_one_thing);

const PATH: &str = "/api/v1/organizations";

async fn make(client: &Client, name: &str, key: &str) -> Answer {
    let asked = client.request(Method::POST, PATH).header("idempotency-key", key);
    asked.json(json!({"name": name})).send().await
}

async fn names(client: &Client) -> Vec<String> {
    let made: Vec<Value> = client.get(PATH).await.expect(200).data();
    made.iter().map(|made| made["name"].as_str().unwrap().to_owned()).collect()
}

async fn a_key_gets_its_answer_again_after_a_kill(mut sandbox: Sandbox) {
    let person = Person::register(&sandbox.client()).await;
    let key = Uuid::new_v4().to_string();
    let first = make(&person.client, "Harbour Works", &key).await.expect(201);
    assert_eq!(first.header("idempotency-replayed"), None);
    sandbox.kill_and_restart_auth();
    let client = sandbox.client().bearer(&person.access);
    let again = eventually(|| async {
        let again = make(&client, "Harbour Works", &key).await;
        // Tokens are verified once the key is known again.
        if again.status == 201 { Ok(again) } else { Err(again.text().into_owned()) }
    })
    .await;
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.body, first.headers.get("location")), (again.body, again.headers.get("location")));
    make(&client, "Another Works", &key).await.refused(ErrorCode::IdempotencyKeyReused);
    let stranger = Person::register(&sandbox.client()).await;
    assert_eq!(
        make(&stranger.client, "Another Works", &key).await.expect(201).header("idempotency-replayed"),
        None
    );
    assert_eq!(names(&client).await, ["Harbour Works"]);
}

async fn a_hundred_at_once_and_a_kill_make_one_thing(mut sandbox: Sandbox) {
    let person = Person::register(&sandbox.client()).await;
    let key = Uuid::new_v4().to_string();
    let mut asking = JoinSet::new();
    for _ in 0..100 {
        let (client, key) = (person.client.clone(), key.clone());
        asking.spawn(async move { make(&client, "Harbour Works", &key).await });
    }
    // The first answer of any kind: the others are on their way or being worked on.
    let mut answers: Vec<_> = asking.join_next().await.into_iter().flatten().collect();
    sandbox.kill_and_restart_auth();
    // Who lost the connection with the process has no answer.
    while let Some(answer) = asking.join_next().await {
        answers.extend(answer);
    }
    let client = sandbox.client().bearer(&person.access);
    let last = eventually(|| async {
        let again = make(&client, "Harbour Works", &key).await;
        if again.status == 201 { Ok(again) } else { Err(again.text().into_owned()) }
    })
    .await;
    for answer in answers.iter().filter(|answer| answer.status == 201) {
        assert_eq!(answer.body, last.body);
    }
    let firsts = |answer: &&Answer| answer.status == 201 && answer.header("idempotency-replayed").is_none();
    assert!(answers.iter().filter(firsts).count() <= 1);
    assert_eq!(names(&client).await, ["Harbour Works"]);
}

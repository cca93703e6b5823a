//! Questions to the assistant through the door: streams that come as they are written, budgets, providers that fail, readers who
//! leave, and a process that is killed in the middle of an answer.

use crate::support::{Books, Person, Shape, Shop, in_time};
use contract::ErrorCode;
use http::Method;
use serde_json::{Value, json};
use testkit::Answer;
use testkit::model::{KEY, Manner, ModelDouble};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const CONVERSATIONS: &str = "/api/v1/assistant/conversations";

macro_rules! on_every_stage {
    ($($name:ident: $shape:ident $books:ident),+ $(,)?) => {$(
        #[tokio::test]
        async fn $name() {
            somebody_asks_the_assistant(Shape::$shape, Books::$books).await;
        }
    )+};
}

on_every_stage!(
    in_one_process_on_sqlite: All Sqlite,
    in_one_process_on_postgres: All Postgres,
    as_separate_processes_on_sqlite: Split Sqlite,
    as_separate_processes_on_postgres: Split Postgres,
);

async fn converse(person: &Person) -> String {
    let made: Value = person.client.post(CONVERSATIONS, json!({})).await.expect(201).data();
    format!("{CONVERSATIONS}/{}/messages", made["id"].as_str().unwrap())
}

async fn stream(person: &Person, messages: &str, text: &str) -> Answer {
    let ask = person.client.request(Method::POST, messages).header("accept", "text/event-stream");
    ask.json(json!({"text": text})).send().await
}

/// A request that is read as it is answered, and left.
async fn begin(shop: &Shop, person: &Person, messages: &str, until: &str) -> TcpStream {
    let body = json!({"text": "Tell me a story."}).to_string();
    let head = format!(
        "POST {messages} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\n\
         accept: text/event-stream\r\ncontent-length: {}\r\n\r\n{body}",
        person.access,
        body.len()
    );
    let url = shop.sandbox.door.url();
    let mut socket = TcpStream::connect(url.trim_start_matches("http://")).await.unwrap();
    socket.write_all(head.as_bytes()).await.unwrap();
    let (mut read, mut buffer) = (String::new(), [0; 4_096]);
    while !read.contains(until) {
        let count = socket.read(&mut buffer).await.unwrap();
        assert!(count > 0, "{read}");
        read.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
    socket
}

async fn somebody_asks_the_assistant(shape: Shape, books: Books) {
    let (first, second) = (ModelDouble::start().await, ModelDouble::start().await);
    let providers = format!("first model-a {} 1000000 2000000, second model-b {} 0 0", first.url, second.url);
    let keys = format!("first={KEY}, second={KEY}");
    let settings = [
        ("BOWLINE_ASSISTANT__PROVIDERS", providers.as_str()),
        ("BOWLINE_ASSISTANT__PROVIDER_KEYS", keys.as_str()),
    ];
    let Some(mut shop) = Shop::open(shape, books, &settings).await else { return };
    let (ada, eve) = (shop.buyer().await, shop.buyer().await);

    // An answer in a stream, kept, and counted.
    let messages = converse(&ada).await;
    first.will(Manner::Says(vec!["On ", "Monday."], (40, 6)));
    let answer = stream(&ada, &messages, "When do we move?").await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let text = answer.text();
    let place = |what: &str| text.find(what).unwrap_or_else(|| panic!("no {what} in {text}"));
    assert!(place("\"On \"") < place("\"Monday.\"") && place("\"Monday.\"") < place("event: done"));
    let kept: Vec<Value> = ada.client.get(&messages).await.expect(200).data();
    assert_eq!((&kept[0]["text"], &kept[0]["usage"]["costMicros"]), (&json!("On Monday."), &json!(52)));
    eve.client.get(&messages).await.refused(ErrorCode::NotFound);

    // One that fails is followed by the next.
    first.will(Manner::Refuses(500));
    let answered: Value =
        ada.client.post(&messages, json!({"text": "Are you sure?"})).await.expect(201).data();
    assert_eq!(
        (&answered["answer"]["text"], &answered["answer"]["model"]),
        (&json!("Hello."), &json!("model-b"))
    );

    // What it comes to is for who manages it; a budget holds from the next question on.
    eve.client.get("/api/v1/assistant/costs").await.refused(ErrorCode::Forbidden);
    let costs: Vec<Value> =
        shop.admin.client.get("/api/v1/assistant/costs?groupBy=USER").await.expect(200).data();
    assert_eq!((&costs[0]["of"]["user"], &costs[0]["costMicros"]), (&json!(ada.id), &json!(52)));
    let budget = format!("/api/v1/assistant/budgets/users/{}", ada.id);
    shop.admin.client.put(&budget, json!({"dayTokens": 100})).await.expect(200);
    let refused = stream(&ada, &messages, "And now?").await;
    assert!(refused.header("retry-after").is_some());
    refused.refused(ErrorCode::BudgetExceeded);
    shop.admin.client.put(&budget, json!({})).await.expect(200);

    // Who leaves cancels, through the door too.
    first.will(Manner::Stalls(vec!["Once upon a time"]));
    drop(begin(&shop, &ada, &messages, "Once upon a time").await);
    in_time(|| async { if first.answers().2 == 1 { Ok(()) } else { Err(first.answers()) } }).await;
    in_time(|| async {
        let kept: Vec<Value> = ada.client.get(&messages).await.expect(200).data();
        if kept[0]["status"] == "CANCELLED" { Ok(()) } else { Err(kept[0].clone()) }
    })
    .await;
    shop.balance().await;

    // A process that is killed in the middle keeps what was reserved, and nobody else's question waits for that.
    first.will(Manner::Stalls(vec!["Once upon"]));
    let left = begin(&shop, &ada, &messages, "Once upon").await;
    shop.sandbox.kill("assistant");
    drop(left);
    shop.sandbox.restart("assistant");
    let (ada, eve) =
        (in_time(|| log_in(&shop, &ada.email)).await, in_time(|| log_in(&shop, &eve.email)).await);
    let busy = in_time(|| async {
        let answer = ada.client.post(&messages, json!({"text": "Are you there?"})).await;
        if answer.status == 409 { Ok(answer) } else { Err(answer.text().into_owned()) }
    })
    .await;
    busy.refused(ErrorCode::RequestInProgress);
    let state: Value = ada.client.get("/api/v1/assistant/budget").await.expect(200).data();
    assert!(state["day"]["reserved"]["tokens"].as_u64().unwrap() > 0, "{state}");
    let elsewhere = converse(&eve).await;
    let text = stream(&eve, &elsewhere, "Are you there?").await.expect(200).text().into_owned();
    assert!(text.contains("event: done"), "{text}");
    shop.balance().await;

    let logs = shop.sandbox.logs();
    for secret in [KEY, "When do we move", "Monday", "Once upon"] {
        assert!(!logs.contains(secret), "{secret} is in a log");
    }
}

/// Somebody, once accounts are there again.
async fn log_in(shop: &Shop, email: &str) -> Result<Person, String> {
    let client = shop.sandbox.client();
    let ready = client.request(Method::GET, "/api/v1/assistant/budget").attempt().await?;
    if ready.status != 401 {
        return Err(ready.text().into_owned());
    }
    Ok(Person::log_in(&client, email, crate::support::PASSWORD).await)
}

//! What goes wrong is told in one shape, with the field named and the cause kept.

use crate::house::{Lines, SECRET, Things};
use contract::error::{ErrorBody, ErrorCode};
use http::Method;
use serde_json::json;
use std::time::Duration;
use testkit::{Setup, TestService, Wire};
use tokio::time::timeout;

async fn things() -> TestService {
    Setup::of::<Things>().build().await
}

fn fields(error: &ErrorBody) -> Vec<&str> {
    error.error.details.iter().map(|detail| detail.field.as_str()).collect()
}

#[tokio::test]
async fn an_unknown_path_is_404_in_the_common_shape() {
    let service = things().await;
    let answer = service.client().get("/api/v1/nothing").await.expect(404);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let error = answer.refused(ErrorCode::NotFound);
    assert!(error.error.timestamp.ends_with('Z'), "{error:?}");
}

#[tokio::test]
async fn an_unknown_method_is_405_and_the_known_ones_are_named() {
    let service = things().await;
    let answer = service.client().delete("/api/v1/things").await.expect(405);
    assert_eq!(answer.header("allow"), Some("GET,HEAD,POST"));
    answer.refused(ErrorCode::MethodNotAllowed);
}

#[tokio::test]
async fn json_that_is_not_well_formed_is_told_apart_from_json_that_does_not_fit() {
    let service = things().await;
    let post = |body: &'static str| {
        let client = service.client();
        async move { client.request(Method::POST, "/api/v1/things").body("application/json", body).send().await }
    };
    post(r#"{"name":"#).await.expect(400).refused(ErrorCode::MalformedJson);
    post("").await.expect(400).refused(ErrorCode::MalformedJson);
    let wrong = post(r#"{"name":"a","unitPrice":"dear"}"#).await.expect(400);
    assert!(!wrong.text().contains("dear"), "what was sent is not repeated: {}", wrong.text());
    assert_eq!(fields(&wrong.refused(ErrorCode::Validation)), ["unitPrice"]);
    let unknown = post(r#"{"name":"a","unitPrice":1,"role":"admin"}"#).await.expect(400);
    assert_eq!(fields(&unknown.refused(ErrorCode::Validation)), ["role"]);
    let missing = post(r#"{"name":"a"}"#).await.expect(400);
    assert_eq!(fields(&missing.refused(ErrorCode::Validation)), ["unitPrice"]);
    let deep = post(r#"{"name":"a","unitPrice":1,"tags":[{"label":"a"},{"label":7}]}"#).await.expect(400);
    assert_eq!(fields(&deep.refused(ErrorCode::Validation)), ["tags[1].label"]);
    let nested = "[".repeat(100_000);
    let client = service.client();
    let bomb = client.request(Method::POST, "/api/v1/things").body("application/json", nested);
    bomb.send().await.expect(400).refused(ErrorCode::Validation);
}

#[tokio::test]
async fn every_field_that_fails_validation_is_reported_at_once() {
    let service = things().await;
    let body = json!({ "name": "far too long a name", "unitPrice": 0, "tags": [{ "label": "" }] });
    let error =
        service.client().post("/api/v1/things", body).await.expect(400).refused(ErrorCode::Validation);
    assert_eq!(fields(&error), ["name", "tags[0].label", "unitPrice"]);
}

#[tokio::test]
async fn a_body_of_another_type_is_415() {
    let service = things().await;
    let send = |content_type: &'static str| {
        let client = service.client();
        let body = r#"{"name":"a","unitPrice":1}"#;
        async move { client.request(Method::POST, "/api/v1/things").body(content_type, body).send().await }
    };
    send("text/plain").await.expect(415).refused(ErrorCode::UnsupportedMediaType);
    send("application/x-www-form-urlencoded").await.expect(415).refused(ErrorCode::UnsupportedMediaType);
    service.client().request(Method::POST, "/api/v1/things").send().await.expect(415);
    send("application/json; charset=utf-8").await.expect(201);
    send("application/vnd.thing+json").await.expect(201);
}

#[tokio::test]
async fn a_path_parameter_that_does_not_fit_is_400_by_its_own_name() {
    let service = things().await;
    let client = service.client();
    let error = client.get("/api/v1/things/seven").await.expect(400).refused(ErrorCode::Validation);
    assert_eq!((fields(&error), error.error.details[0].message.as_str()), (vec!["id"], "must be a UUID"));
    let id = contract::ids::UserId::new();
    let error = client.get(&format!("/api/v1/things/{id}/parts/x")).await.expect(400);
    let error = error.refused(ErrorCode::Validation);
    assert_eq!(fields(&error), ["number"]);
    assert_eq!(error.error.details[0].message, "must be a whole number that is not negative");
    let error = client.get("/api/v1/things/%ff").await.expect(400).refused(ErrorCode::Validation);
    assert_eq!(fields(&error), ["id"]);
}

#[tokio::test]
async fn a_query_that_does_not_fit_is_400_with_the_parameter_named() {
    let service = things().await;
    let client = service.client();
    for (query, field) in [
        ("page=0", "page"),
        ("page=many", "page"),
        ("page=-1", "page"),
        ("limit=101", "limit"),
        ("page=1&page=2", "page"),
        ("drop=tables", "drop"),
        ("sort=password_hash", "sort"),
    ] {
        let error = client.get(&format!("/api/v1/things?{query}")).await.expect(400);
        assert_eq!(fields(&error.refused(ErrorCode::Validation)), [field], "{query}");
    }
    let page = client.get("/api/v1/things?page=2&limit=20&sort=-name").await.expect(200);
    assert_eq!(page.data::<Vec<String>>(), ["name, last first"]);
    assert_eq!(page.json()["pagination"]["pages"], 3);
    assert_eq!(page.json()["pagination"]["hasNext"], true);
}

#[tokio::test]
async fn a_body_that_says_it_is_too_large_is_413_before_it_is_sent() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__BODY_LIMIT", "2000").build().await;
    let listening = service.listen();
    let mut wire = Wire::connect(listening.address()).await.unwrap();
    let head =
        "POST /api/v1/things/raw HTTP/1.1\r\nhost: x\r\ncontent-length: 2001\r\nexpect: 100-continue\r\n\r\n";
    wire.write(head).await.unwrap();
    let answer = wire.request().await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_that_grows_too_large_is_413_too() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__BODY_LIMIT", "2000").build().await;
    let listening = service.listen();
    for (path, content_type) in [("things/raw", "text/plain"), ("things", "application/json")] {
        let mut wire = Wire::connect(listening.address()).await.unwrap();
        let head = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: x\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n"
        );
        wire.write(head).await.unwrap();
        for _ in 0..3 {
            wire.write(format!("3e8\r\n{}\r\n", "a".repeat(1_000))).await.unwrap();
        }
        let answer = wire.request().await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 413") && answer.contains("PAYLOAD_TOO_LARGE"),
            "{path}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_body_as_large_as_allowed_is_read_whole() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__BODY_LIMIT", "2000").build().await;
    let listening = service.listen();
    let client = listening.client();
    let send = |length: usize| {
        let body = vec![b'a'; length];
        client.request(Method::POST, "/api/v1/things/raw").body("text/plain", body).send()
    };
    assert_eq!(send(2_000).await.expect(200).text(), "2000");
    send(2_001).await.expect(413);
}

#[tokio::test]
async fn a_body_that_comes_too_slowly_is_408() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__BODY_TIMEOUT_MS", "150").build().await;
    let listening = service.listen();
    for path in ["things", "things/raw"] {
        let mut wire = Wire::connect(listening.address()).await.unwrap();
        let head = format!(
            "POST /api/v1/{path} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 20\r\n\r\n{{\"na"
        );
        wire.write(head).await.unwrap();
        let answer = wire.request().await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408") && answer.contains("REQUEST_TIMEOUT"), "{path}: {answer}");
    }
}

#[tokio::test]
async fn a_panic_is_500_and_what_it_said_is_for_the_log_only() {
    let lines = Lines::capture("info");
    let service = things().await;
    let answer = service.client().get("/api/v1/things/panic").await.expect(500);
    assert!(!answer.text().contains(SECRET), "{}", answer.text());
    let error = answer.refused(ErrorCode::Internal);
    let logged = lines.text();
    let line = logged.lines().find(|line| line.contains("\"level\":\"ERROR\"")).unwrap();
    assert!(line.contains(SECRET) && line.contains(&error.error.request_id), "{line}");
    service.client().get("/api/v1/things/short").await.expect(200);
}

#[tokio::test]
async fn a_cause_goes_to_the_log_once_and_never_into_the_body() {
    let lines = Lines::capture("info");
    let service = things().await;
    let answer = service.client().get("/api/v1/things/failing").await.expect(500);
    assert!(!answer.text().contains(SECRET) && !answer.text().contains("looking"), "{}", answer.text());
    let logged = lines.text();
    assert_eq!(logged.matches("while looking: it is").count(), 1, "{logged}");
    assert!(logged.contains("house.rs:"), "where it came from: {logged}");
}

#[tokio::test]
async fn what_is_away_says_when_to_ask_again() {
    let service = things().await;
    let answer = service.client().get("/api/v1/things/away").await.expect(503);
    assert_eq!(answer.header("retry-after"), Some("2"), "rounded up");
    assert!(!answer.text().contains(SECRET));
}

#[tokio::test]
async fn no_answer_before_the_deadline_is_504() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "100").build().await;
    service.client().get("/api/v1/things/slow").await.expect(504).refused(ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn a_client_can_shorten_its_deadline_and_not_lengthen_it() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "5000").build().await;
    let client = service.client();
    let remaining = |ms: &str| {
        let asked = client.request(Method::GET, "/api/v1/things/context").header("x-request-timeout-ms", ms);
        async move { asked.send().await.expect(200).json()["data"]["remainingMs"].as_u64().unwrap() }
    };
    assert!((4_000..=5_000).contains(&remaining("3600000").await));
    assert!((1_000..=2_000).contains(&remaining("2000").await));
    assert!((4_000..=5_000).contains(&remaining("soon").await));
    let slow = client.request(Method::GET, "/api/v1/things/slow").header("x-request-timeout-ms", "50").send();
    timeout(Duration::from_secs(3), slow).await.unwrap().expect(504).refused(ErrorCode::DeadlineExceeded);
}

#[tokio::test]
async fn a_client_that_asks_for_problem_details_gets_them() {
    let service = things().await;
    let client = service.client();
    let ask = client.request(Method::POST, "/api/v1/things").json(json!({ "name": "", "unitPrice": 0 }));
    let answer =
        ask.header("accept", "application/problem+json, application/json;q=0.5").send().await.expect(400);
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let problem = answer.json();
    assert_eq!(problem["type"], "urn:bowline:error:VALIDATION_ERROR");
    assert_eq!((&problem["status"], &problem["code"]), (&json!(400), &json!("VALIDATION_ERROR")));
    assert_eq!(problem["errors"].as_array().map(Vec::len), Some(2));
    assert_eq!(problem["requestId"].as_str(), answer.header("x-request-id"));
}

#[tokio::test]
async fn ids_from_outside_are_kept_when_they_are_harmless_and_replaced_when_not() {
    let service = things().await;
    let client = service.client();
    let ids = |request: &'static str, correlation: &'static str| {
        let ask = client.request(Method::GET, "/api/v1/nothing");
        let ask = ask.header("x-request-id", request).header("x-correlation-id", correlation);
        async move {
            let answer = ask.send().await.expect(404);
            let header = |name| answer.header(name).unwrap().to_owned();
            let (request, correlation) = (header("x-request-id"), header("x-correlation-id"));
            let error = answer.refused(ErrorCode::NotFound).error;
            assert_eq!((&error.request_id, &error.correlation_id), (&request, &correlation));
            (request, correlation)
        }
    };
    assert_eq!(ids("a-1._B", "c").await, ("a-1._B".to_owned(), "c".to_owned()));
    for bad in ["", "with space", "a\"b", "<script>", "a/b", &*"x".repeat(65).leak()] {
        let (request, correlation) = ids(bad, bad).await;
        assert_eq!(request.len(), 36, "{bad} became {request}");
        assert_eq!(correlation, request, "an action that has no id yet has that of its first request");
    }
    let first = client.get("/api/v1/things").await;
    let second = client.get("/api/v1/things").await;
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
}

//! Answers put together from parts that the test plays.

use super::*;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::sync::Barrier;

/// What a part says.
#[derive(Clone)]
enum Says {
    Answer(u16, &'static str),
    Error(ErrorCode),
    Silence,
    NotInstalled,
}

use Says::{Answer, NotInstalled, Silence};

const DATA: Says = Answer(200, r#"{"success":true,"data":{"items":[1.10, {"b":"\u00e4"}]}}"#);

fn spec(parts: &Value) -> AggregateSpec {
    serde_json::from_value(json!({"parts": parts})).unwrap()
}

fn pattern() -> Pattern {
    Pattern::parse("/page/{id}").unwrap()
}

/// The answer, and what was asked.
async fn put_together(parts: &Value, says: &[Says]) -> (u16, Value, Vec<Request<Body>>) {
    let rule = Aggregate::new("page", &spec(parts), &pattern()).unwrap();
    let heard = Mutex::new(Vec::new());
    let ask = |at: usize, request: Request<Body>| {
        heard.lock().unwrap().push(request);
        let says = says[at].clone();
        async move {
            match says {
                Answer(status, text) => {
                    Some(Ok(Response::builder().status(status).body(Body::from(text)).unwrap()))
                }
                Says::Error(code) => Some(Err(ApiError::new(code, "as told"))),
                Silence => std::future::pending().await,
                NotInstalled => None,
            }
        }
    };
    let request =
        Request::get("/page/7").header("authorization", "Bearer x").header("if-none-match", "\"1\"");
    let request = request.header("accept-encoding", "zstd").body(Body::empty()).unwrap();
    let answer = rule.answer(&[("id", "7&x=1")], request.method(), request.headers(), ask).await;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null), heard.into_inner().unwrap())
}

#[tokio::test]
async fn all_parts_are_asked_as_who_asks_and_stand_under_their_names() {
    let parts = json!([
        {"name": "product", "service": "catalog", "path": "/p/{id}?of={id}", "required": true},
        {"name": "first", "service": "catalog", "path": "/q", "pick": "data.items"},
        {"name": "raw", "upstream": "old", "path": "/r"},
    ]);
    let (status, answer, heard) = put_together(&parts, &[DATA, DATA, Answer(200, "[1]")]).await;
    let expected = json!({
        "success": true,
        "data": {"product": {"items": [1.10, {"b": "ä"}]}, "first": [1.10, {"b": "ä"}], "raw": [1]},
        "missing": [],
    });
    assert_eq!((status, answer), (200, expected));
    assert_eq!(heard[0].uri(), "/p/7&x=1?of=7%26x%3D1", "a value in a query is one value");
    for request in heard {
        assert_eq!(request.headers()["authorization"], "Bearer x");
        assert!(
            !request.headers().contains_key("if-none-match")
                && !request.headers().contains_key("accept-encoding")
        );
    }
}

#[tokio::test]
async fn a_part_that_does_not_come_is_named_with_its_reason() {
    let part =
        |name: &str| json!({"name": name, "service": "s", "path": "/", "timeout_ms": 20, "max_body": 100});
    let says = [
        (Silence, Some("TOO_SLOW")),
        (Says::Error(ErrorCode::DeadlineExceeded), Some("TOO_SLOW")),
        (Says::Error(ErrorCode::Unavailable), Some("UNAVAILABLE")),
        (Answer(503, ""), Some("UNAVAILABLE")),
        (Answer(500, ""), Some("FAILED")),
        (Answer(403, ""), Some("FAILED")),
        (Answer(302, ""), Some("FAILED")),
        (Answer(200, "<html>"), Some("FAILED")),
        (Answer(200, r#"{"success":true}"#), Some("FAILED")),
        (
            Answer(
                200,
                r#"{"data":"0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"}"#,
            ),
            Some("FAILED"),
        ),
        (NotInstalled, Some("NOT_INSTALLED")),
        (Answer(404, ""), None),
    ];
    let parts: Vec<_> = (0..says.len()).map(|at| part(&format!("p{at}"))).collect();
    let (said, reasons): (Vec<_>, Vec<_>) = says.into_iter().unzip();
    let (status, answer, _) = put_together(&json!(parts), &said).await;
    assert_eq!(status, 200);
    let told: Vec<_> =
        answer["missing"].as_array().unwrap().iter().map(|missing| missing["why"].as_str()).collect();
    let expected: Vec<_> = reasons.into_iter().filter(Option::is_some).collect();
    assert_eq!(told, expected);
    assert_eq!(answer["data"], json!({"p11": null}), "that there is no such thing is an answer");
}

#[tokio::test]
async fn without_a_required_part_there_is_only_what_became_of_it_and_nobody_waits_for_the_others() {
    let parts = json!([
        {"name": "product", "service": "s", "path": "/", "required": true, "timeout_ms": 20},
        {"name": "slow", "service": "s", "path": "/", "timeout_ms": 60_000},
    ]);
    let no = r#"{"success":false}"#;
    for (says, status) in [
        (Answer(404, no), 404),
        (Answer(401, no), 401),
        (Answer(503, no), 503),
        (Answer(500, no), 503),
        (Answer(200, "?"), 503),
        (NotInstalled, 503),
        (Silence, 504),
        (Answer(504, no), 504),
    ] {
        let (got, answer, _) = put_together(&parts, &[says, Silence]).await;
        assert_eq!((got, &answer["success"]), (status, &json!(false)));
    }
}

#[tokio::test]
async fn the_parts_are_asked_for_at_the_same_time() {
    let part = |name: &str| json!({"name": name, "upstream": "u", "path": "/"});
    let rule = Aggregate::new("page", &spec(&json!([part("a"), part("b"), part("c")])), &pattern()).unwrap();
    let barrier = Barrier::new(3);
    let ask = |_: usize, _: Request<Body>| async {
        barrier.wait().await;
        Some(Ok(Response::new(Body::from("1"))))
    };
    let answer = rule.answer(&[], &Method::GET, &HeaderMap::new(), ask).await;
    assert!(!answer.headers().contains_key(CACHE_CONTROL), "a whole answer may be kept");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, r#"{"success":true,"data":{"a":1,"b":1,"c":1},"missing":[]}"#);
}

#[tokio::test]
async fn only_get_is_answered_and_what_is_not_whole_is_not_kept() {
    let rule = spec(&json!([{"name": "a", "upstream": "u", "path": "/"}]));
    let rule = Aggregate::new("page", &rule, &pattern()).unwrap();
    let nothing = |_: usize, _: Request<Body>| async { None };
    let refused = rule.answer(&[], &Method::POST, &HeaderMap::new(), nothing).await;
    assert_eq!(
        (refused.status().as_u16(), &refused.headers()[ALLOW]),
        (405, &HeaderValue::from_static("GET"))
    );
    let answer = rule.answer(&[], &Method::GET, &HeaderMap::new(), nothing).await;
    assert_eq!(answer.headers()[CACHE_CONTROL], "private, no-store");
}

#[test]
fn what_is_wrong_with_parts_is_named_with_its_field() {
    let wrong = spec(&json!([
        {"name": "a", "service": "catalog", "path": "/{id}"},
        {"name": "a", "service": "catalog", "upstream": "u", "path": "/{who}", "timeout_ms": 0},
        {"name": "b c", "upstream": "none", "path": "/internal/v1/x", "max_body": 0, "pick": "a..b"},
    ]));
    let fields: Vec<_> =
        wrong.check(&pattern(), &["catalog"], &["u"]).into_iter().map(|(field, _)| field).collect();
    let expected = [
        "parts[1].name",
        "parts[1].service",
        "parts[1].path",
        "parts[1].timeout_ms",
        "parts[2].name",
        "parts[2].upstream",
        "parts[2].path",
        "parts[2].max_body",
        "parts[2].pick",
    ];
    let (mut fields, mut expected) = (fields, expected.map(str::to_owned).to_vec());
    fields.sort();
    expected.sort();
    assert_eq!(fields, expected);
    assert_eq!(spec(&json!([])).check(&pattern(), &[], &[]).len(), 1);
}

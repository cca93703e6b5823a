//! Requests find their service, wherever it is, and come back as it answered.

use crate::house::{House, both_ways};
use contract::error::ErrorCode;
use contract::identity::Role;
use http::Method;
use serde_json::{Value, json};

both_ways! {
    a_noun_finds_its_service_with_and_without_a_version,
    a_request_arrives_as_it_was_sent,
    a_path_is_read_by_the_service_and_not_by_the_door,
    an_unknown_noun_is_404,
    a_service_that_runs_nowhere_is_503,
    the_inside_is_not_reached_through_the_door,
    an_answer_of_the_service_comes_back_whole,
    a_person_is_known_behind_the_door,
    head_and_options_behave,
}

async fn a_noun_finds_its_service_with_and_without_a_version(house: House) {
    for (path, headers) in [
        ("/api/v1/things", &[][..]),
        ("/api/things", &[]),
        ("/api/things", &[("api-version", "1")]),
        ("/api/v1/things/a/b", &[]),
        ("/api/things/a/b", &[]),
    ] {
        let answer = house.get(path, headers).await.expect(200);
        assert_eq!(answer.header("api-version"), Some("1"), "{path}");
        let target = answer.json()["data"]["target"].as_str().unwrap().to_owned();
        assert!(target.starts_with("/api/v1/things"), "{path} became {target}");
    }
    house.get("/.well-known/things", &[]).await.expect(200);
    house.get("/api/v2/things", &[]).await.expect(400).refused(ErrorCode::UnsupportedVersion);
}

async fn a_request_arrives_as_it_was_sent(house: House) {
    let client = house.client();
    let ask = client.request(Method::POST, "/api/things?a=1&b=%20x&a=2").header("x-mine", "kept");
    let ask = ask.header("x-correlation-id", "c-1").body("application/json", r#"{"a":1}"#);
    let answer = ask.send().await.expect(200);
    let seen = answer.json()["data"].clone();
    assert_eq!(seen["method"], "POST");
    assert_eq!(seen["target"], "/api/v1/things?a=1&b=%20x&a=2");
    assert_eq!(seen["body"], r#"{"a":1}"#);
    assert_eq!(seen["headers"]["x-mine"], json!(["kept"]));
    assert_eq!(seen["headers"]["content-type"], json!(["application/json"]));
    assert_eq!((&seen["correlationId"], &seen["clientIp"]), (&json!("c-1"), &json!("192.0.2.1")));
    assert_eq!(seen["callingService"], "gateway");
    assert_eq!(seen["requestId"].as_str(), answer.header("x-request-id"));
}

async fn a_path_is_read_by_the_service_and_not_by_the_door(house: House) {
    assert_eq!(house.get("/api/v1/things/by/7", &[]).await.expect(200).json()["data"], 7);
    assert_eq!(house.get("/api/things/by/7/8", &[]).await.expect(200).json()["data"], json!([7, 8]));
    let refused = house.get("/api/things/by/seven", &[]).await.expect(400).refused(ErrorCode::Validation);
    assert_eq!(refused.error.details[0].field, "id");
}

async fn an_unknown_noun_is_404(house: House) {
    for path in
        ["/api/v1/nothing", "/api/nothing", "/api/v1/thing", "/api/v1/thingsx", "/api/v1", "/api/", "/things"]
    {
        house.get(path, &[]).await.expect(404).refused(ErrorCode::NotFound);
    }
}

async fn a_service_that_runs_nowhere_is_503(house: House) {
    let answer = house.get("/api/v1/absences/today", &[]).await.expect(503);
    assert_eq!(answer.header("retry-after"), Some("5"));
    answer.refused(ErrorCode::Unavailable);
}

async fn the_inside_is_not_reached_through_the_door(house: House) {
    for path in [
        "/internal/v1/things/closed",
        "/internal/v1/things/openapi",
        "/internal/v1/gateway/openapi",
        "/internal/v1/auth/feed",
        "/api/v1/things/../../../internal/v1/things/closed",
        "/api/v1/things/%2e%2e/%2e%2e/%2e%2e/internal/v1/things/closed",
        "/api/v1/things/..;/..;/..;/internal/v1/things/closed",
        "/api/internal/v1/things/closed",
        "//internal/v1/things/closed",
    ] {
        let claims = [("x-service-authorization", "a.b.c"), ("x-internal-service", "auth")];
        let answer = house.get(path, &claims).await.expect(404);
        assert!(!answer.text().contains("the inside"), "{path}");
    }
}

async fn an_answer_of_the_service_comes_back_whole(house: House) {
    let tagged = house.get("/api/v1/things/tagged", &[]).await.expect(200);
    assert_eq!(tagged.header("etag"), Some("\"3\""));
    let again = house.get("/api/v1/things/tagged", &[("if-none-match", "\"3\"")]).await.expect(304);
    assert!(again.body.is_empty());
    let zipped = house.get("/api/v1/things/tagged", &[("accept-encoding", "gzip")]).await.expect(200);
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert_eq!(zipped.headers.get_all("content-encoding").iter().count(), 1, "and only once");
    let zstd = house.get("/api/v1/things/tagged", &[("accept-encoding", "gzip, br, zstd")]).await.expect(200);
    assert_eq!(zstd.headers.get_all("content-encoding").iter().collect::<Vec<_>>(), ["zstd"]);
    assert_eq!(zstd.header("etag"), Some("\"3~zstd\""), "another representation");
    let known = [("accept-encoding", "gzip, br, zstd"), ("if-none-match", "\"3~zstd\"")];
    house.get("/api/v1/things/tagged", &known).await.expect(304);
    let plain = [("accept-encoding", "gzip"), ("x-no-compression", "1")];
    assert_eq!(house.get("/api/v1/things/tagged", &plain).await.expect(200).header("content-encoding"), None);

    house.get("/api/v1/things/me", &[]).await.expect(401).refused(ErrorCode::Unauthenticated);
    house.get("/api/v1/things/panic", &[]).await.expect(500).refused(ErrorCode::Internal);
    house.get("/api/v1/things/none", &[]).await.expect(404).refused(ErrorCode::NotFound);
    let refused = house.client().delete("/api/v1/things").await.expect(405);
    assert_eq!(refused.header("allow"), Some("GET,HEAD,POST"));
    for name in ["x-request-id", "x-correlation-id", "x-content-type-options", "cache-control", "api-version"]
    {
        assert_eq!(refused.headers.get_all(name).iter().count(), 1, "{name} once, not twice");
    }
    let problem = house.get("/api/v1/things/me", &[("accept", "application/problem+json")]).await.expect(401);
    assert_eq!(problem.header("content-type"), Some("application/problem+json"));
}

async fn a_person_is_known_behind_the_door(house: House) {
    let claims = house.issuer.claims(house.door.clock(), &[Role::User]);
    let token = house.issuer.sign(&claims);
    let person = house.client().bearer(&token);
    assert_eq!(person.get("/api/v1/things/me").await.expect(200).json()["data"], json!(claims.sub));
    assert_eq!(person.get("/api/v1/things").await.expect(200).json()["data"]["user"], json!(claims.sub));
    let claimed =
        house.get("/api/v1/things", &[("x-user-id", "1"), ("x-user-role", "admin")]).await.expect(200);
    assert_eq!(claimed.json()["data"]["user"], Value::Null);
    // A token that does not hold is the service's to refuse: logging in must work with an old one in the browser.
    let stale = house.client().bearer("garbage");
    stale.get("/api/v1/things").await.expect(200);
    stale.get("/api/v1/things/me").await.expect(401);
}

async fn head_and_options_behave(house: House) {
    let client = house.client();
    let head = client.request(Method::HEAD, "/api/v1/things/tagged").send().await.expect(200);
    assert_eq!((head.header("etag"), head.header("content-length")), (Some("\"3\""), Some("2026")));
    assert!(head.body.is_empty());
    let options = client.request(Method::OPTIONS, "/api/v1/things").send().await.expect(405);
    assert_eq!(options.header("allow"), Some("GET,HEAD,POST"));
}

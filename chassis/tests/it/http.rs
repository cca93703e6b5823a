//! What holds for every answer: versions, entity tags, headers for browsers, compression, the client's address.

use crate::house::Things;
use axum::body::Body;
use chassis::http::Caller;
use contract::error::ErrorCode;
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, ORIGIN, VARY};
use http::{HeaderMap, Method, Request};
use serde_json::json;
use std::io::Read as _;
use testkit::{Answer, Setup, TestService};

const SHOP: &str = "https://shop.example";

async fn things() -> TestService {
    Setup::of::<Things>().set("ALLOWED_ORIGINS", format!("{SHOP},http://localhost:5173")).build().await
}

/// `GET path` with these headers.
async fn get(service: &TestService, path: &str, headers: &[(&str, &str)]) -> Answer {
    let client = service.client();
    let ask = client.request(Method::GET, path);
    headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
}

/// Whatever a browser would take for a permission.
fn cors_headers(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("access-control-")).collect()
}

#[tokio::test]
async fn a_route_is_found_with_a_version_without_one_and_by_the_header() {
    let service = things().await;
    for (path, headers) in [
        ("/api/v1/things", &[][..]),
        ("/api/things", &[]),
        ("/api/things", &[("api-version", "1")]),
        ("/api/things", &[("api-version", "v1")]),
        ("/api/v1/things", &[("api-version", "1")]),
    ] {
        let answer = get(&service, path, headers).await.expect(200);
        assert_eq!(answer.header("api-version"), Some("1"), "{path} {headers:?}");
    }
    let paged = get(&service, "/api/things?page=2", &[]).await.expect(200);
    assert_eq!(paged.json()["pagination"]["page"], 2, "the query survives");
}

#[tokio::test]
async fn a_version_that_does_not_exist_and_two_that_differ_are_refused() {
    let service = things().await;
    for (path, version) in [
        ("/api/v9/things", None),
        ("/api/things", Some("9")),
        ("/api/v1/things", Some("2")),
        ("/api/things", Some("latest")),
    ] {
        let headers: Vec<_> = version.map(|version| ("api-version", version)).into_iter().collect();
        let answer = get(&service, path, &headers).await.expect(400);
        answer.refused(ErrorCode::UnsupportedVersion);
    }
}

#[tokio::test]
async fn a_reader_who_has_it_already_gets_304_without_a_body() {
    let service = things().await;
    let path = format!("/api/v1/things/{}", contract::ids::UserId::new());
    let first = get(&service, &path, &[]).await.expect(200);
    let tag = first.header("etag").unwrap();
    assert_eq!(tag, "\"7\"");
    for known in [tag, "*", "\"6\", W/\"7\""] {
        let again = get(&service, &path, &[("if-none-match", known)]).await.expect(304);
        assert!(again.body.is_empty() && again.header("content-type").is_none(), "{known}");
        assert_eq!(again.header("etag"), Some(tag));
    }
    get(&service, &path, &[("if-none-match", "\"6\"")]).await.expect(200);
    let gzip = [("if-none-match", tag), ("accept-encoding", "gzip")];
    let again = get(&service, &path, &gzip).await.expect(304);
    assert!(again.body.is_empty() && again.header("content-encoding").is_none());
}

#[tokio::test]
async fn a_writer_who_has_not_seen_the_latest_gets_412() {
    let service = things().await;
    let client = service.client();
    let path = format!("/api/v1/things/{}", contract::ids::UserId::new());
    let put = |seen: &'static str| client.request(Method::PUT, &path).header("if-match", seen).send();
    for seen in ["\"6\"", "W/\"7\"", "\"5\", \"6\""] {
        let refused = put(seen).await.expect(412);
        assert_eq!(refused.header("etag"), Some("\"7\""), "{seen}");
        refused.refused(ErrorCode::PreconditionFailed);
    }
    for seen in ["\"7\"", "*", "\"6\", \"7\""] {
        put(seen).await.expect(200);
    }
}

#[tokio::test]
async fn every_answer_carries_the_headers_that_browsers_want_errors_too() {
    let service = things().await;
    for path in ["/api/v1/things", "/api/v1/nothing", "/api/v9/things", "/api/v1/things/failing"] {
        let answer = get(&service, path, &[]).await;
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{path}: {name}");
        }
    }
    let kept = get(&service, "/api/v1/things/kept", &[]).await;
    assert_eq!(kept.header("cache-control"), Some("public, max-age=60"), "a route's own word stands");
}

#[tokio::test]
async fn a_page_of_a_listed_origin_may_read_answers_and_errors_with_its_users_credentials() {
    let service = things().await;
    for path in [
        "/api/v1/things",
        "/api/v1/nothing",
        "/api/v9/things",
        "/api/v1/things/panic",
        "/internal/v1/things/closed",
    ] {
        let answer = get(&service, path, &[("origin", SHOP)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), Some(SHOP), "{path}");
        assert_eq!(answer.header("access-control-allow-credentials"), Some("true"), "{path}");
        let exposed = answer.header("access-control-expose-headers").unwrap();
        assert!(exposed.contains("etag") && exposed.contains("x-request-id"), "{exposed}");
    }
    let large = service.client();
    let large = large.request(Method::POST, "/api/v1/things").header("origin", SHOP);
    let refused = large.body("application/json", vec![b' '; 1_048_577]).send().await.expect(413);
    assert_eq!(refused.header("access-control-allow-origin"), Some(SHOP));
}

#[tokio::test]
async fn an_origin_that_is_not_listed_is_told_nothing() {
    let service = things().await;
    for origin in
        ["https://evil.example", "null", "https://shop.example.evil.example", "http://shop.example", ""]
    {
        let answer = get(&service, "/api/v1/things/open", &[("origin", origin)]).await.expect(200);
        assert_eq!(cors_headers(&answer.headers), Vec::<&str>::new(), "{origin}");
    }
    let own = get(&service, "/api/v1/things/open", &[("origin", SHOP)]).await.expect(200);
    assert_eq!(own.header("access-control-allow-origin"), Some(SHOP), "never the route's own `*`");
}

async fn preflight(service: &TestService, origin: &str) -> Answer {
    let client = service.client();
    let ask = client.request(Method::OPTIONS, "/api/v1/things").header("origin", origin);
    let ask = ask.header("access-control-request-method", "PUT");
    ask.header("access-control-request-headers", "authorization,if-match").send().await
}

#[tokio::test]
async fn a_preflight_is_answered_for_listed_origins_and_empty_for_others() {
    let service = things().await;
    let allowed = preflight(&service, SHOP).await.expect(204);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(SHOP));
    assert_eq!(allowed.header("access-control-allow-credentials"), Some("true"));
    assert!(allowed.header("access-control-allow-methods").unwrap().contains("PUT"));
    let headers = allowed.header("access-control-allow-headers").unwrap();
    assert!(headers.contains("authorization") && headers.contains("if-match") && !headers.contains('*'));
    let refused = preflight(&service, "https://evil.example").await.expect(204);
    assert_eq!(cors_headers(&refused.headers), Vec::<&str>::new());
}

#[tokio::test]
async fn a_preflight_that_two_could_read_differently_is_refused_as_any_request() {
    let service = things().await;
    let listening = service.listen();
    for more in ["host: y", "transfer-encoding: gzip, chunked"] {
        let mut wire = testkit::Wire::connect(listening.address()).await.unwrap();
        let head = format!(
            "OPTIONS /api/v1/things HTTP/1.1\r\nhost: x\r\norigin: {SHOP}\r\naccess-control-request-method: PUT\r\n\
             {more}\r\n\r\n0\r\n\r\n"
        );
        wire.write(head).await.unwrap();
        let answer = wire.request().await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400") && answer.contains("connection: close"),
            "{more}: {answer}"
        );
    }
}

#[tokio::test]
async fn without_listed_origins_options_is_a_method_like_any_other() {
    let service = Setup::of::<Things>().build().await;
    preflight(&service, SHOP).await.expect(405).refused(ErrorCode::MethodNotAllowed);
    let plain = service.client();
    let plain = plain.request(Method::OPTIONS, "/api/v1/things").header("accept-encoding", "deflate");
    plain.send().await.expect(405);
}

fn unzipped(answer: &Answer) -> serde_json::Value {
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*answer.body).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

#[tokio::test]
async fn an_answer_is_compressed_only_for_a_client_that_accepts_it() {
    let service = things().await;
    let long = "/api/v1/things/long";
    let zipped = get(&service, long, &[("accept-encoding", "br;q=0.5, gzip")]).await.expect(200);
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    assert!(zipped.header("vary").unwrap().contains("accept-encoding"));
    assert!(zipped.body.len() < 1_000);
    assert_eq!(unzipped(&zipped)["data"], "a long text ".repeat(1_000));
    for headers in [
        &[][..],
        &[("accept-encoding", "deflate")],
        &[("accept-encoding", "gzip;q=0")],
        &[("accept-encoding", "identity;q=0")],
        &[("accept-encoding", "gzip"), ("x-no-compression", "1")],
    ] {
        let plain = get(&service, long, headers).await.expect(200);
        assert_eq!(plain.header("content-encoding"), None, "{headers:?}");
        assert_eq!(plain.json()["data"], "a long text ".repeat(1_000), "{headers:?}");
    }
    let short = get(&service, "/api/v1/things/short", &[("accept-encoding", "gzip")]).await.expect(200);
    assert_eq!(short.header("content-encoding"), None, "too short to be worth it");
}

#[tokio::test]
async fn a_client_gets_the_shortest_coding_that_it_accepts() {
    let service = things().await;
    for (accepted, coding) in
        [("gzip, deflate, br, zstd", "zstd"), ("gzip, deflate, br", "br"), ("gzip, deflate", "gzip")]
    {
        let answer = get(&service, "/api/v1/things/long", &[("accept-encoding", accepted)]).await.expect(200);
        assert_eq!(answer.header("content-encoding"), Some(coding), "{accepted}");
        assert!(answer.body.len() < 1_000, "{accepted}");
    }
}

#[tokio::test]
async fn what_was_read_compressed_can_be_asked_after_and_written() {
    let service = things().await;
    let path = format!("/api/v1/things/{}", contract::ids::UserId::new());
    for tag in ["\"7~zstd\"", "\"7~br\"", "\"7~gzip\"", "\"7\""] {
        get(&service, &path, &[("if-none-match", tag)]).await.expect(304);
        service.client().request(Method::PUT, &path).header("if-match", tag).send().await.expect(200);
    }
    let other = service.client().request(Method::PUT, &path).header("if-match", "\"6~zstd\"").send().await;
    other.expect(412);
    // Whoever keeps it for others knows by the tag which of its answers is still good.
    for tag in ["\"7~zstd\"", "\"7\""] {
        let headers = [("if-none-match", tag), ("accept-encoding", "zstd")];
        assert_eq!(get(&service, &path, &headers).await.expect(304).header("etag"), Some(tag));
    }
}

#[tokio::test]
async fn compression_can_be_switched_off() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__COMPRESSION", "false").build().await;
    let answer = get(&service, "/api/v1/things/long", &[("accept-encoding", "gzip")]).await.expect(200);
    assert_eq!(answer.header("content-encoding"), None);
}

#[tokio::test]
async fn what_a_cache_may_keep_says_what_it_depends_on_whoever_asked() {
    let service = things().await;
    for headers in
        [&[][..], &[("accept-encoding", "gzip"), ("origin", SHOP)], &[("origin", "https://evil.example")]]
    {
        let answer = get(&service, "/api/v1/things/kept", headers).await.expect(200);
        let lines = answer.headers.get_all(VARY).iter().map(|value| value.to_str().unwrap());
        let mut names: Vec<_> = lines.flat_map(|line| line.split(',')).map(str::trim).collect();
        names.sort_unstable();
        assert_eq!(names, [ACCEPT_ENCODING.as_str(), ORIGIN.as_str()], "{headers:?}");
    }
}

#[tokio::test]
async fn a_stream_is_not_held_back_for_the_compressor() {
    use http_body_util::BodyExt as _;
    let service = things().await;
    let request = Request::get("/api/v1/things/stream").header(ACCEPT_ENCODING, "gzip");
    let request = request.body(Body::empty()).unwrap();
    let caller = Caller::Socket([192, 0, 2, 1].into());
    let mut response = service.assembled().front().handle(request, caller).await;
    assert_eq!(response.headers().get(CONTENT_ENCODING), None);
    let first = tokio::time::timeout(std::time::Duration::from_secs(5), response.body_mut().frame()).await;
    assert_eq!(first.unwrap().unwrap().unwrap().into_data().unwrap(), "first piece\n");
}

async fn client_ip(service: &TestService, from: &str, forwarded: &[&str]) -> String {
    let client = service.client().from_address(from.parse().unwrap());
    let ask = client.request(Method::GET, "/api/v1/things/context");
    let ask = forwarded.iter().fold(ask, |ask, line| ask.header("x-forwarded-for", line));
    ask.send().await.expect(200).json()["data"]["clientIp"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_forwarded_address_counts_from_trusted_proxies_only() {
    let service =
        Setup::of::<Things>().set("BOWLINE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8,fd00::/8").build().await;
    assert_eq!(client_ip(&service, "203.0.113.9", &["1.2.3.4"]).await, "203.0.113.9");
    assert_eq!(client_ip(&service, "10.0.0.1", &["203.0.113.9"]).await, "203.0.113.9");
    assert_eq!(client_ip(&service, "::ffff:10.0.0.1", &["203.0.113.9"]).await, "203.0.113.9");
    assert_eq!(client_ip(&service, "fd00::1", &["2001:db8::7"]).await, "2001:db8::7");
    assert_eq!(client_ip(&service, "10.0.0.1", &["1.2.3.4, 203.0.113.9, 10.0.0.2"]).await, "203.0.113.9");
    assert_eq!(client_ip(&service, "10.0.0.1", &[]).await, "10.0.0.1");
}

#[tokio::test]
async fn a_line_that_is_no_text_does_not_make_the_one_before_it_count() {
    let service = Setup::of::<Things>().set("BOWLINE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8").build().await;
    let mut request = Request::get("/api/v1/things/context").body(Body::empty()).unwrap();
    let garbled = http::HeaderValue::from_bytes(b"\xff, 203.0.113.9").unwrap();
    request.headers_mut().append("x-forwarded-for", "1.2.3.4".parse().unwrap());
    request.headers_mut().append("x-forwarded-for", garbled);
    let response = service.assembled().front().handle(request, Caller::Socket([10, 0, 0, 1].into())).await;
    let body = axum::body::to_bytes(response.into_body(), 10_000).await.unwrap();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["data"]["clientIp"], json!("10.0.0.1"));
}

#[tokio::test]
async fn headers_by_which_others_claim_an_identity_have_no_effect() {
    let service = things().await;
    let claims =
        [("x-user-id", "1"), ("x-user-role", "admin"), ("x-auth-user", "1"), ("x-service", "gateway")];
    let answer = get(&service, "/api/v1/things/context", &claims).await.expect(200);
    assert_eq!(
        (&answer.json()["data"]["user"], &answer.json()["data"]["callingService"]),
        (&json!(null), &json!(null))
    );
    get(&service, "/api/v1/things/admin", &claims).await.expect(401);
}

#[tokio::test]
async fn a_head_request_gets_the_headers_of_the_answer_without_its_body() {
    let service = things().await;
    let listening = service.listen();
    let mut wire = testkit::Wire::connect(listening.address()).await.unwrap();
    let head = "HEAD /api/v1/things/long HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    wire.write(head).await.unwrap();
    let answer = wire.rest().await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("content-length: 12026\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

//! What everybody sees, and what it costs.

use crate::bench::{Bench, EVERY, INCIDENTS, STATUS, alert};
use contract::status::{Overall, ServiceState};
use http::Method;
use serde_json::json;
use testkit::{Engine, eventually, on_both_engines};

const PAGE: &str = "/status";

async fn nothing_private_is_on_the_public_page(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.orders_are(Some("cannot reach 10.0.0.7 as admin:hunter2"));
    for _ in 0..6 {
        bench.look_after(EVERY).await;
    }
    bench
        .notify(&[alert("HostDown", "critical", 10, None), alert("DiskFull", "warning", 10, None)])
        .await
        .expect(200);
    bench.until("orders", ServiceState::Degraded).await;
    assert_eq!(bench.incidents().await.len(), 1);
    bench.pass(20);
    for path in [STATUS, PAGE] {
        let shown = bench.service.client().get(path).await.expect(200);
        let text = shown.text();
        assert!(text.contains("orders"), "{text}");
        for private in [
            "10.0.0.7",
            "hunter2",
            "HostDown",
            "DiskFull",
            "warehouse",
            "instance",
            "prometheus",
            "127.0.0.1",
            "fp-",
        ] {
            assert!(!text.contains(private), "{path} shows {private}: {text}");
        }
    }
}

async fn the_page_is_text_under_a_policy_that_allows_nothing_else(engine: Engine) {
    let hostile =
        |setup: testkit::Setup| setup.set("BOWLINE_STATUS__PAGE_TITLE", "<script>alert(1)</script>");
    let Some(bench) = Bench::start_with(engine, hostile).await else { return };
    let body = json!({
        "title": "<img src=x onerror=alert(1)>", "impact": "CRITICAL", "services": [], "text": "</p><script>alert(2)</script>",
    });
    bench.admin().post(INCIDENTS, body).await.expect(201);
    let page = bench.service.client().get(PAGE).await.expect(200);
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
    assert!(!policy.contains("script-src") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    let text = page.text();
    assert!(!text.contains("<script") && !text.contains("<img"), "{text}");
    assert!(text.contains("&lt;img src=x onerror=alert(1)&gt;"), "{text}");
    assert!(text.contains("Most of the platform does not work"), "{text}");
}

async fn who_has_the_page_is_told_so_and_caches_may_keep_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.look_after(EVERY).await;
    let client = bench.service.client();
    for path in [STATUS, PAGE] {
        let page = client.get(path).await.expect(200);
        let control = page.header("cache-control").unwrap();
        assert!(control.starts_with("public, max-age=") && control.contains("stale-if-error="), "{control}");
        let tag = page.header("etag").unwrap();
        let ask = client.request(Method::GET, path).header("if-none-match", tag);
        let known = ask.send().await.expect(304);
        assert!(known.body.is_empty());
        // Something happens.
        bench.pass(1);
        let body = json!({"title": "Something", "impact": "MINOR", "text": "It happens."});
        bench.admin().post(INCIDENTS, body).await.expect(201);
        let ask = client.request(Method::GET, path).header("if-none-match", tag);
        ask.send().await.expect(200);
    }
}

async fn without_the_database_the_page_stays_and_says_that_nobody_knows(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.look_after(EVERY).await;
    bench.until("orders", ServiceState::Operational).await;
    bench.service.db("status").close().await;
    bench.pass(60);
    let client = bench.service.client();
    let page = client.get(STATUS).await.expect(200).json();
    assert_eq!(page["data"]["overall"], "UNKNOWN", "{page}");
    assert_eq!(page["data"]["services"][1]["state"], "UNKNOWN");
    let html = client.get(PAGE).await.expect(200);
    assert!(html.text().contains("It is not known how the platform is"), "{}", html.text());
    assert_eq!(html.header("cache-control"), Some("public, no-cache"), "nobody keeps what is old");
}

async fn where_nobody_looks_nothing_is_known(engine: Engine) {
    let nobody = |setup: testkit::Setup| setup.set("BOWLINE_JOBS__ENABLED", "false");
    let Some(bench) = Bench::start_with(engine, nobody).await else { return };
    let page = bench.status().await;
    assert_eq!((page.overall, page.checked_at), (Overall::Unknown, None));
    assert!(page.services.iter().all(|service| service.state == ServiceState::Unknown));
    assert!(page.services.iter().all(|service| service.uptime.day.percent.is_none()));
    assert!(
        bench
            .service
            .client()
            .get(PAGE)
            .await
            .expect(200)
            .text()
            .contains("Nobody has asked the services yet")
    );
}

async fn services_that_are_away_are_down_and_the_page_is_not(engine: Engine) {
    let elsewhere = |setup: testkit::Setup| {
        setup
            .targets("status,auth")
            .peer("orders", "http://127.0.0.1:1")
            .set("BOWLINE_STATUS__PATIENCE_MS", "500")
    };
    let Some(bench) = Bench::start_with(engine, elsewhere).await else { return };
    for _ in 0..6 {
        bench.look_after(EVERY).await;
    }
    eventually(|| async { bench.status().await.overall == Overall::MajorOutage }).await;
    bench.until("orders", ServiceState::Down).await;
    bench.until("auth", ServiceState::Operational).await;
    let page = bench.service.client().get(PAGE).await.expect(200);
    assert!(page.text().contains("Does not answer") && !page.text().contains("127.0.0.1"), "{}", page.text());
    assert_eq!(bench.incidents().await[0].title, "Orders does not answer");
}

on_both_engines!(
    nothing_private_is_on_the_public_page,
    the_page_is_text_under_a_policy_that_allows_nothing_else,
    who_has_the_page_is_told_so_and_caches_may_keep_it,
    without_the_database_the_page_stays_and_says_that_nobody_knows,
    where_nobody_looks_nothing_is_known,
    services_that_are_away_are_down_and_the_page_is_not,
);

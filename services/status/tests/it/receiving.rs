//! Who may tell of alerts, and what a notification may hold.

use crate::bench::{ALERTS, Bench, SECRET, WEBHOOK, alert};
use contract::ErrorCode;
use contract::identity::Role;
use contract::status::WebhookTaken;
use http::Method;
use serde_json::json;
use testkit::{Answer, Client, Engine, on_both_engines};

async fn send(client: &Client, authorization: &[&str]) -> Answer {
    let mut ask = client.request(Method::POST, WEBHOOK);
    for value in authorization {
        ask = ask.header("authorization", value);
    }
    ask.json(json!({"version": "4", "alerts": [alert("Down", "critical", 1, None)]})).send().await
}

async fn without_the_secret_nothing_is_taken(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let client = bench.service.client();
    let right = format!("Bearer {SECRET}");
    let (longer, shorter) = (format!("{right}x"), right[..right.len() - 1].to_owned());
    let basic = format!("Basic {SECRET}");
    let wrong: [&[&str]; 8] = [
        &[],
        &["Bearer "],
        &["Bearer wrong"],
        &[&longer],
        &[&shorter],
        &[&basic],
        &[SECRET],
        // Whoever sends two sends none: a proxy may have read the other one.
        &[&right, &right],
    ];
    for authorization in wrong {
        let refused = send(&client, authorization).await.expect(401).refused(ErrorCode::Unauthenticated);
        assert!(!format!("{refused:?}").contains(SECRET));
    }
    // An administrator's token is none that Alertmanager has.
    send(&bench.admin(), &[]).await.expect(401);
    assert!(bench.alerts().await.is_empty());
    send(&client, &[&right]).await.expect(200);
    assert_eq!(bench.alerts().await.len(), 1);
}

async fn where_no_secret_is_set_nobody_knows_it(engine: Engine) {
    let Some(bench) =
        Bench::start_with(engine, |setup| setup.set("BOWLINE_STATUS__ALERTMANAGER_TOKEN", "")).await
    else {
        return;
    };
    for authorization in ["Bearer ", "Bearer a-secret-of-the-monitoring", "Bearer null"] {
        send(&bench.service.client(), &[authorization]).await.expect(404).refused(ErrorCode::NotFound);
    }
    assert!(bench.alerts().await.is_empty());
}

async fn the_secret_is_asked_for_before_the_body_is_read(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ask = bench.service.client();
    let ask = ask.request(Method::POST, WEBHOOK).body("application/json", "{not json");
    ask.send().await.expect(401).refused(ErrorCode::Unauthenticated);
}

async fn a_notification_that_cannot_be_read_is_refused(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let client = bench.service.client();
    let right = format!("Bearer {SECRET}");
    for body in [
        json!({"version": "3", "alerts": []}),
        json!({"version": "4"}),
        json!({"version": "4", "alerts": {}}),
        json!({"version": "4", "alerts": [{"status": "firing"}]}),
        json!({"version": "4", "alerts": [{"status": "burning", "startsAt": "2026-01-01T00:00:00Z"}]}),
        json!([]),
    ] {
        let ask = client.request(Method::POST, WEBHOOK).header("authorization", &right);
        ask.json(&body).send().await.expect(400).refused(ErrorCode::Validation);
    }
    let large = vec![b' '; 1_100_000];
    let ask = client.request(Method::POST, WEBHOOK).header("authorization", &right);
    ask.body("application/json", large).send().await.expect(413).refused(ErrorCode::PayloadTooLarge);
    assert!(bench.alerts().await.is_empty());
}

async fn what_is_too_much_is_left_out_and_said(engine: Engine) {
    let few = |setup: testkit::Setup| setup.set("BOWLINE_STATUS__MAX_ALERTS", "3");
    let Some(bench) = Bench::start_with(engine, few).await else { return };
    let mut alerts: Vec<_> = (0..5).map(|i| alert(&format!("A{i}"), "info", 1, None)).collect();
    for i in 0..200 {
        alerts[0]["labels"][format!("l{i}")] = "x".repeat(2_000).into();
    }
    // What a database or a terminal would stumble over.
    alerts[0]["annotations"]["summary"] = "nothing \u{0} rings \u{7}".into();
    let taken: WebhookTaken = bench.notify(&alerts).await.expect(200).data();
    assert_eq!(taken, WebhookTaken { processed: 3, changed: 3, dropped: 2 });
    let kept = bench.alerts().await;
    assert_eq!(kept.len(), 3);
    let first = kept.iter().find(|alert| alert.name == "A0").unwrap();
    assert!(first.labels.len() <= 64 && first.labels.values().all(|value| value.chars().count() <= 512));
    assert_eq!(first.summary.as_deref(), Some("nothing   rings"));
}

async fn alerts_are_for_who_manages_the_status(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.notify(&[alert("Down", "warning", 1, None)]).await.expect(200);
    let id = bench.alerts().await[0].id;
    for path in [ALERTS.to_owned(), format!("{ALERTS}/stats"), format!("{ALERTS}/{id}")] {
        bench.service.client().get(&path).await.expect(401).refused(ErrorCode::Unauthenticated);
        let staff = bench.person(&[Role::User, Role::Vendor, Role::Moderator]);
        staff.get(&path).await.expect(403).refused(ErrorCode::Forbidden);
        bench.admin().get(&path).await.expect(200);
    }
}

on_both_engines!(
    without_the_secret_nothing_is_taken,
    where_no_secret_is_set_nobody_knows_it,
    the_secret_is_asked_for_before_the_body_is_read,
    a_notification_that_cannot_be_read_is_refused,
    what_is_too_much_is_left_out_and_said,
    alerts_are_for_who_manages_the_status,
);

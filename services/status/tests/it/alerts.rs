//! However often and in whatever order an alert is told, it is one alert with its history.

use crate::bench::{ALERTS, Bench, alert};
use contract::ErrorCode;
use contract::status::{Alert, AlertStats, AlertStatus, Severity, SeverityCounts, WebhookTaken};
use futures_util::future::join_all;
use testkit::{Engine, on_both_engines};

async fn told(bench: &Bench, alerts: &[serde_json::Value]) -> WebhookTaken {
    bench.notify(alerts).await.expect(200).data()
}

async fn what_is_sent_again_is_one_alert(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    assert_eq!(told(&bench, &[alert("Down", "critical", 10, None)]).await.changed, 1);
    for _ in 0..3 {
        bench.pass(600);
        assert_eq!(told(&bench, &[alert("Down", "critical", 10, None)]).await.changed, 0);
    }
    let kept = bench.the_alert().await;
    assert_eq!((kept.alert.status, kept.alert.severity), (AlertStatus::Firing, Severity::Critical));
    assert_eq!((kept.alert.received, kept.alert.fired, kept.history.len()), (4, 1, 1));
    assert_eq!(kept.alert.service.as_deref(), Some("orders"));
    assert!(kept.alert.last_received_at > kept.alert.first_received_at);

    assert_eq!(told(&bench, &[alert("Down", "critical", 10, Some(99))]).await.changed, 1);
    assert_eq!(told(&bench, &[alert("Down", "critical", 10, Some(99))]).await.changed, 0);
    let kept = bench.the_alert().await;
    assert_eq!(kept.alert.status, AlertStatus::Resolved);
    assert_eq!(kept.alert.ends_at.unwrap().to_string(), "2026-01-01 0:01:39.0 +00:00:00");
    let steps: Vec<_> = kept.history.iter().map(|step| step.status).collect();
    assert_eq!(steps, [AlertStatus::Resolved, AlertStatus::Firing]);
}

async fn the_end_may_come_before_the_beginning(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    // The end first, then the copy of the firing that was late.
    told(&bench, &[alert("Down", "critical", 10, Some(20))]).await;
    assert_eq!(told(&bench, &[alert("Down", "critical", 10, None)]).await.changed, 0);
    assert_eq!(bench.the_alert().await.alert.status, AlertStatus::Resolved);
    // It fires again, and only then the end of another time is told, twice.
    told(&bench, &[alert("Down", "critical", 50, None)]).await;
    for _ in 0..2 {
        assert_eq!(told(&bench, &[alert("Down", "critical", 30, Some(40))]).await.changed, 0);
    }
    let kept = bench.the_alert().await;
    assert_eq!((kept.alert.status, kept.alert.fired), (AlertStatus::Firing, 2));
    assert_eq!(kept.history.len(), 3, "{:?}", kept.history);
    // Alertmanager lost sight of it, said that it ended, and fires it again with the same beginning.
    told(&bench, &[alert("Down", "critical", 50, Some(60))]).await;
    bench.pass(301);
    assert_eq!(told(&bench, &[alert("Down", "critical", 50, None)]).await.changed, 1);
    let kept = bench.the_alert().await;
    assert_eq!((kept.alert.status, kept.alert.fired, kept.alert.ends_at), (AlertStatus::Firing, 3, None));
}

async fn a_group_holds_many_and_one_of_them_twice(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let group = [
        alert("B", "warning", 10, None),
        alert("A", "critical", 10, Some(20)),
        alert("A", "critical", 10, None),
        alert("C", "purple", 10, None),
    ];
    let taken = told(&bench, &group).await;
    assert_eq!((taken.processed, taken.changed), (4, 4));
    let kept = bench.alerts().await;
    assert_eq!(kept.len(), 3);
    let a = kept.iter().find(|alert| alert.name == "A").unwrap();
    assert_eq!((a.status, a.received), (AlertStatus::Resolved, 2));
    let c = kept.iter().find(|alert| alert.name == "C").unwrap();
    assert_eq!(c.severity, Severity::Warning);
    let stats: AlertStats = bench.admin().get(&format!("{ALERTS}/stats")).await.expect(200).data();
    let firing_by_severity = SeverityCounts { critical: 0, warning: 2, info: 0 };
    assert_eq!(stats, AlertStats { total: 3, firing: 2, resolved: 1, firing_by_severity });
}

async fn replicas_of_alertmanager_tell_at_the_same_time(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let mut group: Vec<_> = (0..10).map(|i| alert(&format!("A{i}"), "critical", 10, None)).collect();
    let backwards: Vec<_> = group.iter().rev().cloned().collect();
    let sent = join_all((0..8).map(|i| bench.notify(if i % 2 == 0 { &group } else { &backwards }))).await;
    let changed: u32 = sent.into_iter().map(|answer| answer.expect(200).data::<WebhookTaken>().changed).sum();
    assert_eq!(changed, 10, "each began once");
    assert_eq!(bench.alerts().await.len(), 10);
    assert_eq!(bench.count("SELECT count(*) FROM alert_change").await, 10);
    assert_eq!(bench.count("SELECT count(*) FROM incident").await, 1, "and they are one incident");
    group.truncate(1);
    told(&bench, &group).await;
    assert_eq!(bench.count("SELECT count(*) FROM alert_change").await, 10);
}

async fn an_alert_of_which_nobody_speaks_any_more_ends(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    told(&bench, &[alert("Down", "critical", 10, None)]).await;
    bench.jump(23 * 3_600).await;
    told(&bench, &[alert("Down", "critical", 10, None)]).await;
    bench.jump(23 * 3_600).await;
    bench.looked().await;
    assert_eq!(bench.the_alert().await.alert.status, AlertStatus::Firing, "it was sent again in time");
    bench.jump(2 * 3_600).await;
    testkit::eventually(|| async { bench.the_alert().await.alert.status == AlertStatus::Resolved }).await;
    let kept = bench.the_alert().await;
    assert!(kept.history[0].expired);
    assert_eq!(kept.alert.ends_at, Some(kept.alert.last_received_at));
    // It fired all the time: what is sent then is no late copy.
    assert_eq!(told(&bench, &[alert("Down", "critical", 10, None)]).await.changed, 1);
}

async fn the_list_is_read_a_page_after_the_other_and_filtered(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    for i in 0..5 {
        let severity = if i % 2 == 0 { "critical" } else { "info" };
        told(&bench, &[alert(&format!("A{i}"), severity, 10, None)]).await;
        bench.pass(1);
    }
    told(&bench, &[alert("A1", "info", 10, Some(20))]).await;
    let admin = bench.admin();
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("{ALERTS}?limit=2{cursor}")).await.expect(200);
        seen.extend(page.data::<Vec<Alert>>().into_iter().map(|alert| alert.name));
        match page.json()["pagination"]["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen, ["A1", "A4", "A3", "A2", "A0"], "the last changed first");
    for (filter, names) in [
        ("status=FIRING&severity=INFO", &["A3"][..]),
        ("status=RESOLVED", &["A1"]),
        ("name=A2&service=orders", &["A2"]),
        ("service=payments", &[]),
    ] {
        let found: Vec<Alert> = admin.get(&format!("{ALERTS}?{filter}")).await.expect(200).data();
        assert_eq!(found.into_iter().map(|alert| alert.name).collect::<Vec<_>>(), names, "{filter}");
    }
    for wrong in ["cursor=x", "limit=0", "limit=101", "status=firing", "sort=name"] {
        admin.get(&format!("{ALERTS}?{wrong}")).await.expect(400).refused(ErrorCode::Validation);
    }
    let nobody = contract::ids::AlertId::new();
    admin.get(&format!("{ALERTS}/{nobody}")).await.expect(404).refused(ErrorCode::NotFound);
}

async fn what_was_kept_long_enough_is_removed(engine: Engine) {
    let short = |setup: testkit::Setup| {
        setup.set("BOWLINE_STATUS__KEEP_DAYS", "2").set("BOWLINE_STATUS__ALERT_EXPIRES_HOURS", "720")
    };
    let Some(bench) = Bench::start_with(engine, short).await else { return };
    told(&bench, &[alert("Old", "critical", 10, Some(20)), alert("Fires", "info", 10, None)]).await;
    bench.looked().await;
    bench.jump(3 * 86_400).await;
    testkit::eventually(|| async { bench.count("SELECT count(*) FROM alert").await == 1 }).await;
    assert_eq!(bench.alerts().await[0].name, "Fires");
}

on_both_engines!(
    what_is_sent_again_is_one_alert,
    the_end_may_come_before_the_beginning,
    a_group_holds_many_and_one_of_them_twice,
    replicas_of_alertmanager_tell_at_the_same_time,
    an_alert_of_which_nobody_speaks_any_more_ends,
    the_list_is_read_a_page_after_the_other_and_filtered,
    what_was_kept_long_enough_is_removed,
);

//! Incidents that open and end by themselves.

use crate::bench::{Bench, EVERY, INCIDENTS, alert};
use chassis::db::q;
use contract::status::{Impact, Incident, IncidentOrigin, IncidentStatus, Overall, ServiceState};
use serde_json::json;
use testkit::{Engine, eventually, on_both_engines};

async fn a_critical_alert_is_an_incident_until_it_ends(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.look_after(EVERY).await;
    bench.notify(&[alert("Slow", "warning", 10, None)]).await.expect(200);
    assert!(bench.incidents().await.is_empty(), "a warning is none");
    let group = [alert("Down", "critical", 10, None), alert("Errors", "critical", 11, None)];
    bench.notify(&group).await.expect(200);
    let all = bench.incidents().await;
    let [incident] = &all[..] else { panic!("{all:?}") };
    assert_eq!((incident.origin, incident.impact), (IncidentOrigin::Alert, Impact::Major));
    assert_eq!((incident.title.as_str(), incident.automatic), ("There is a problem with orders", true));
    assert_eq!(incident.services, ["orders"]);
    // One of its two causes ends, and it goes on.
    bench.notify(&[alert("Down", "critical", 10, Some(20))]).await.expect(200);
    assert_eq!(bench.incidents().await[0].status, IncidentStatus::Investigating);
    bench.notify(&[alert("Errors", "critical", 11, Some(20))]).await.expect(200);
    // Readiness has been good for a moment only; that it stays so is waited for.
    for _ in 0..5 {
        bench.look_after(EVERY).await;
    }
    let all = bench.incidents().await;
    assert_eq!((all.len(), all[0].status), (1, IncidentStatus::Resolved));
    let path = format!("{INCIDENTS}/{}", all[0].id);
    let whole: Incident = bench.admin().get(&path).await.expect(200).data();
    assert_eq!(whole.updates.len(), 2, "{whole:?}");
    assert!(whole.updates.iter().all(|update| update.by.is_none()));
}

async fn an_alert_of_no_service_is_about_the_platform(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let mut of = alert("Region", "critical", 10, None);
    of["labels"]["service"] = "a-host-of-ours".into();
    of["annotations"]["public_summary"] = "Logins <b>fail</b> in Europe".into();
    bench.notify(&[of.clone()]).await.expect(200);
    let all = bench.incidents().await;
    assert_eq!((all[0].title.as_str(), all[0].services.len()), ("Logins <b>fail</b> in Europe", 0));
    of["status"] = "resolved".into();
    of["endsAt"] = "2026-01-01T00:01:00Z".into();
    bench.notify(&[of]).await.expect(200);
    assert_eq!(bench.incidents().await[0].status, IncidentStatus::Resolved, "nobody looks at that");
}

async fn a_look_that_began_before_the_end_of_an_incident_opens_it_no_second_time(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let mut of = alert("Region", "critical", 10, None);
    of["labels"]["service"] = "a-host-of-ours".into();
    bench.notify(&[of]).await.expect(200);
    bench.looked().await;
    let (db, now) = (bench.service.db("status"), bench.service.clock().now());
    let mut t = db.begin().await.unwrap();
    let end = "UPDATE incident SET status = 'RESOLVED', resolved_at = $1";
    assert_eq!(q!(t.tx, execute, end, now).unwrap(), 1);
    let end = "UPDATE alert SET status = 'RESOLVED', ends_at = $1, changed_at = $1";
    assert_eq!(q!(t.tx, execute, end, now).unwrap(), 1);
    bench.jump(EVERY).await;
    if db.engine() == chassis::db::Engine::Postgres {
        // SQLite has one writer; there the look has not begun.
        eventually(|| async {
            let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND wait_event_type = 'Lock' AND query LIKE 'UPDATE incident SET version%'";
            let waiting: i64 = q!(db.read, scalar, waiting).unwrap();
            waiting > 0
        })
        .await;
    }
    t.commit().await.unwrap();
    bench.looked().await;
    let all = bench.incidents().await;
    assert_eq!((all.len(), all[0].status), (1, IncidentStatus::Resolved), "{all:?}");
}

async fn a_service_that_is_not_ready_for_a_while_is_an_incident(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.look_after(EVERY).await;
    bench.orders_are(Some("10.0.0.7 is away"));
    for _ in 0..4 {
        bench.look_after(EVERY).await;
        assert!(bench.incidents().await.is_empty(), "a moment is none");
    }
    bench.until("orders", ServiceState::Degraded).await;
    bench.look_after(EVERY).await;
    let all = bench.incidents().await;
    let [incident] = &all[..] else { panic!("{all:?}") };
    assert_eq!((incident.origin, incident.impact), (IncidentOrigin::Readiness, Impact::Minor));
    assert_eq!(incident.title, "Orders does not work as it should");
    assert_eq!(bench.status().await.overall, Overall::Degraded);
    // Now it becomes worse, and is the same incident.
    bench.notify(&[alert("Down", "critical", 10, None)]).await.expect(200);
    let all = bench.incidents().await;
    assert_eq!((all.len(), all[0].impact), (1, Impact::Major));
    bench.notify(&[alert("Down", "critical", 10, Some(20))]).await.expect(200);
    bench.orders_are(None);
    for _ in 0..4 {
        bench.look_after(EVERY).await;
        assert_eq!(bench.incidents().await[0].status, IncidentStatus::Investigating, "a moment is no end");
    }
    bench.look_after(EVERY).await;
    assert_eq!(bench.incidents().await[0].status, IncidentStatus::Resolved);
    eventually(|| async { bench.status().await.overall == Overall::Operational }).await;
}

async fn who_takes_an_incident_over_ends_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    bench.notify(&[alert("Down", "critical", 10, None)]).await.expect(200);
    let admin = bench.admin();
    let path = format!("{INCIDENTS}/{}", bench.incidents().await[0].id);
    let change = json!({"status": "IDENTIFIED", "text": "It is the warehouse."});
    assert!(!admin.patch(&path, change).await.expect(200).data::<Incident>().automatic);
    bench.notify(&[alert("Down", "critical", 10, Some(20))]).await.expect(200);
    for _ in 0..6 {
        bench.look_after(EVERY).await;
    }
    let kept: Incident = bench.admin().get(&path).await.expect(200).data();
    assert_eq!(kept.status, IncidentStatus::Identified, "only a person ends it");
    // It fires again, and a person says that it is over all the same: what was there then opens nothing.
    bench.pass(400);
    bench.notify(&[alert("Down", "critical", 10, None)]).await.expect(200);
    bench.pass(1);
    bench.admin().patch(&path, json!({"status": "RESOLVED"})).await.expect(200);
    bench.look_after(EVERY).await;
    bench.notify(&[alert("Down", "critical", 10, None)]).await.expect(200);
    assert_eq!(bench.incidents().await.len(), 1);
    // What begins afterwards does.
    bench.notify(&[alert("Errors", "critical", 99, None)]).await.expect(200);
    bench.notify(&[alert("Down", "critical", 10, Some(20))]).await.expect(200);
    assert_eq!(bench.incidents().await.len(), 2);
}

on_both_engines!(
    a_critical_alert_is_an_incident_until_it_ends,
    an_alert_of_no_service_is_about_the_platform,
    a_look_that_began_before_the_end_of_an_incident_opens_it_no_second_time,
    a_service_that_is_not_ready_for_a_while_is_an_incident,
    who_takes_an_incident_over_ends_it,
);

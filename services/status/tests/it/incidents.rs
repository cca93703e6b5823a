//! Incidents that people lead.

use crate::bench::{Bench, INCIDENTS};
use chassis::service::Service as _;
use contract::ErrorCode;
use contract::identity::Role;
use contract::status::{Impact, Incident, IncidentOrigin, IncidentStatus, StatusClient};
use http::Method;
use serde_json::{Value, json};
use status::Status;
use testkit::{Engine, eventually, on_both_engines};

fn slow_orders() -> Value {
    json!({"title": "Orders are slow", "impact": "MINOR", "services": ["orders"], "text": "We look into it."})
}

async fn an_incident_is_opened_led_and_ended(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let admin = bench.admin();
    let made = admin.post(INCIDENTS, slow_orders()).await.expect(201);
    let path = made.location().unwrap().to_owned();
    let incident: Incident = made.data();
    assert_eq!((incident.status, incident.origin), (IncidentStatus::Investigating, IncidentOrigin::Person));
    assert_eq!(made.header("etag"), Some("\"1\""));
    bench.pass(60);
    let change =
        json!({"status": "MONITORING", "text": "It was a disk.\nIt is another one now.", "impact": "MAJOR"});
    let changed: Incident = admin.patch(&path, change).await.expect(200).data();
    assert_eq!((changed.impact, changed.updates.len(), changed.version), (Impact::Major, 2, 2));
    assert!(changed.updates[0].text.starts_with("It was a disk.") && changed.updates[0].by.is_some());
    // What changes nothing is no version.
    assert_eq!(admin.patch(&path, json!({})).await.expect(200).data::<Incident>().version, 2);
    bench.pass(60);
    let over: Incident = admin.patch(&path, json!({"status": "RESOLVED"})).await.expect(200).data();
    assert_eq!((over.status, over.updates[0].text.as_str()), (IncidentStatus::Resolved, "It is over."));
    let again = admin.patch(&path, json!({"status": "INVESTIGATING"})).await;
    again.expect(409).refused(ErrorCode::InvalidTransition);
    // What was learned may still be said.
    let learned: Incident =
        admin.patch(&path, json!({"text": "We watch disks now."})).await.expect(200).data();
    assert_eq!((learned.status, learned.resolved_at), (IncidentStatus::Resolved, over.resolved_at));
    assert_eq!(admin.get(&path).await.expect(200).data::<Incident>(), learned);
    // Everybody sees it, and nobody sees who said it.
    eventually(|| async { bench.status().await.incidents.recent.len() == 1 }).await;
    let shown = bench.service.client().get("/api/v1/status").await.expect(200);
    assert!(!shown.text().contains("\"by\""), "{}", shown.text());
}

async fn what_everybody_sees_changes_with_the_answer(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    assert!(bench.status().await.incidents.open.is_empty());
    let made: Incident = bench.admin().post(INCIDENTS, slow_orders()).await.expect(201).data();
    let open = bench.status().await.incidents.open;
    assert_eq!(open.iter().map(|incident| incident.id).collect::<Vec<_>>(), [made.id]);
    assert_eq!(open[0].updates[0].text, "We look into it.");
}

async fn who_has_seen_another_version_is_refused(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let admin = bench.admin();
    let path = admin.post(INCIDENTS, slow_orders()).await.expect(201).location().unwrap().to_owned();
    let with = |tag: &'static str| {
        let (admin, path) = (admin.clone(), path.clone());
        async move {
            let ask = admin.request(Method::PATCH, &path).header("if-match", tag);
            ask.json(json!({"title": "Orders are very slow"})).send().await
        }
    };
    with("\"1\"").await.expect(200);
    with("\"1\"").await.expect(412).refused(ErrorCode::PreconditionFailed);
    with("\"2\"").await.expect(200);
}

async fn what_is_not_valid_is_refused(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let admin = bench.admin();
    for (field, value) in [
        ("title", json!("")),
        ("title", json!("two\nlines")),
        ("title", json!("x".repeat(151))),
        ("impact", json!("HUGE")),
        ("text", json!("  ")),
        ("text", json!("x".repeat(2_001))),
        ("services[1]", json!(["orders", "nobody"])),
        ("automatic", json!(true)),
    ] {
        let mut body = slow_orders();
        body[field.split('[').next().unwrap()] = value;
        let refused = admin.post(INCIDENTS, &body).await.expect(400).refused(ErrorCode::Validation);
        assert_eq!(refused.error.details[0].field, field);
    }
    assert!(bench.incidents().await.is_empty());
}

async fn incidents_are_written_by_who_manages_the_status(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let path = bench.admin().post(INCIDENTS, slow_orders()).await.expect(201).location().unwrap().to_owned();
    let staff = bench.person(&[Role::User, Role::Vendor, Role::Moderator]);
    for (client, status) in [(bench.service.client(), 401), (staff, 403)] {
        client.get(INCIDENTS).await.expect(status);
        client.get(&path).await.expect(status);
        client.post(INCIDENTS, slow_orders()).await.expect(status);
        client.patch(&path, json!({"title": "Nothing is wrong"})).await.expect(status);
    }
    let nobody = format!("{INCIDENTS}/{}", contract::ids::IncidentId::new());
    bench.admin().get(&nobody).await.expect(404).refused(ErrorCode::NotFound);
    bench.admin().patch(&nobody, json!({"title": "Nothing"})).await.expect(404);
    assert_eq!(bench.incidents().await.len(), 1);
}

async fn a_request_that_is_sent_twice_takes_effect_once(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let admin = bench.admin();
    let send = |method: Method, path: String, body: Value| {
        let admin = admin.clone();
        async move {
            let key = format!("{method}:{path}");
            admin.request(method, &path).header("idempotency-key", &key).json(body).send().await
        }
    };
    let first = send(Method::POST, INCIDENTS.to_owned(), slow_orders()).await.expect(201);
    let again = send(Method::POST, INCIDENTS.to_owned(), slow_orders()).await.expect(201);
    assert_eq!((again.header("idempotency-replayed"), &again.body), (Some("true"), &first.body));
    let (path, change) = (first.location().unwrap().to_owned(), json!({"text": "It is the disk."}));
    send(Method::PATCH, path.clone(), change.clone()).await.expect(200);
    let again = send(Method::PATCH, path, change).await.expect(200);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!(again.data::<Incident>().updates.len(), 2);
    assert_eq!(bench.incidents().await.len(), 1);
}

async fn the_list_tells_open_ones_from_others(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let admin = bench.admin();
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(admin.post(INCIDENTS, slow_orders()).await.expect(201).location().unwrap().to_owned());
        bench.pass(1);
    }
    admin.patch(&paths[0], json!({"status": "RESOLVED"})).await.expect(200);
    for (query, count) in [("open=true", 2), ("open=false", 1), ("status=RESOLVED", 1), ("limit=2", 2)] {
        let found: Vec<Incident> = admin.get(&format!("{INCIDENTS}?{query}")).await.expect(200).data();
        assert_eq!(found.len(), count, "{query}");
    }
    let first = admin.get(&format!("{INCIDENTS}?limit=2")).await.expect(200).json();
    let cursor = first["pagination"]["cursor"].as_str().unwrap();
    let rest: Vec<Incident> =
        admin.get(&format!("{INCIDENTS}?limit=2&cursor={cursor}")).await.expect(200).data();
    assert!(paths[0].ends_with(&rest[0].id.to_string()) && rest.len() == 1);
    let peer = bench.service.assembled().shared().peer("status").unwrap();
    assert_eq!(StatusClient::new(peer.caller()).status().await.unwrap().incidents.open.len(), 2);
}

#[test]
fn every_route_that_changes_something_takes_a_key_but_that_of_alertmanager() {
    let document = serde_json::to_value((Status::SPEC.openapi)()).unwrap();
    let mut without = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let takes = operation["parameters"].as_array().into_iter().flatten();
            if method != "get" && takes.filter(|one| one["name"] == "Idempotency-Key").count() == 0 {
                without.push(path.as_str());
            }
        }
    }
    assert_eq!(without, ["/api/v1/alerts/webhook"]);
    let page = include_str!("../../../../docs/idempotency.md");
    assert!(page.contains("| `POST /api/v1/alerts/webhook` | "), "docs/idempotency.md says why");
}

on_both_engines!(
    an_incident_is_opened_led_and_ended,
    what_everybody_sees_changes_with_the_answer,
    who_has_seen_another_version_is_refused,
    what_is_not_valid_is_refused,
    incidents_are_written_by_who_manages_the_status,
    a_request_that_is_sent_twice_takes_effect_once,
    the_list_tells_open_ones_from_others,
);

//! What other services are told, step by step.

use crate::bench::{Bench, at, why};
use crate::listener::{All, heard};
use serde_json::{Value, json};
use testkit::{Engine, Listener, on_both_engines};

async fn every_step_is_told_once_with_who_and_what(engine: Engine) {
    let Some(bench) = Bench::start_with(engine, |setup| setup.and::<Listener<All>>()).await else { return };
    let acme = bench.organization();
    let event = acme.event("SUBMITTED").await;
    acme.moderator.client.post(&at(&event, "/reject"), why()).await.expect(200);
    acme.ada.step(&event, "reopen").await;
    acme.ada.change(&event, json!({"title": "Winter fair"})).await.expect(200);
    acme.ada.step(&event, "submit").await;
    acme.second.step(&event, "approve").await;
    acme.ada.change(&event, json!({"location": "Hall"})).await.expect(200);
    acme.second.step(&event, "approve").await;
    acme.admin.client.delete(&at(&event, "")).await.expect(204);
    // What changes nothing and what is refused is not told.
    let draft = acme.event("DRAFT").await;
    acme.ada.change(&draft, json!({"title": "Summer fair"})).await.expect(200);
    acme.owner.try_step(&draft, "submit").await.expect(403);
    assert_eq!(heard(&bench, draft.id, 1).await[0].0, "event.created");
    let told = heard(&bench, event.id, 11).await;
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(
        kinds,
        [
            "event.created",
            "event.submitted",
            "event.rejected",
            "event.reopened",
            "event.updated",
            "event.submitted",
            "event.approved",
            "event.updated",
            "event.submitted",
            "event.approved",
            "event.deleted",
        ]
    );
    let card = |title: &str, status: &str, version: i64| {
        json!({
            "id": event.id, "organization": acme.id, "creator": acme.ada.id,
            "title": title, "status": status, "version": version,
        })
    };
    let data: Vec<&Value> = told.iter().map(|(_, data)| data).collect();
    assert_eq!(*data[0], json!({"event": card("Summer fair", "DRAFT", 1)}));
    assert_eq!(
        *data[1],
        json!({"event": card("Summer fair", "SUBMITTED", 2), "by": acme.ada.id, "again": false})
    );
    assert_eq!(
        *data[2],
        json!({"event": card("Summer fair", "REJECTED", 3), "by": acme.moderator.id, "reason": "Say who is responsible."})
    );
    assert_eq!(*data[3], json!({"event": card("Summer fair", "DRAFT", 4), "by": acme.ada.id}));
    let updated = json!({"event": card("Winter fair", "DRAFT", 5), "by": acme.ada.id, "before": "DRAFT", "fields": ["title"]});
    assert_eq!(*data[4], updated);
    assert_eq!(data[7]["before"], "APPROVED");
    assert_eq!(
        *data[8],
        json!({"event": card("Winter fair", "SUBMITTED", 8), "by": acme.ada.id, "again": true})
    );
    assert_eq!(*data[10], json!({"event": card("Winter fair", "APPROVED", 10), "by": acme.admin.id}));
}

on_both_engines!(every_step_is_told_once_with_who_and_what);

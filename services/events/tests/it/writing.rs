//! Making and changing events, and what cannot be in one.

use crate::bench::{Bench, EVENTS, at, fair, with};
use contract::ErrorCode;
use contract::events::{Event, EventStatus};
use contract::identity::OrganizationRole;
use http::Method;
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

async fn a_member_makes_a_draft(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let body = with(fair(acme.id), json!({"title": "  Summer fair ", "location": " The yard "}));
    let answer = acme.ada.client.post(EVENTS, body).await.expect(201);
    let made: Event = answer.data();
    assert_eq!(answer.location(), Some(at(&made, "").as_str()));
    assert_eq!(answer.header("etag"), Some("\"1\""));
    assert_eq!((made.status, made.version), (EventStatus::Draft, 1));
    assert_eq!((made.created_by, made.edited_by, made.decided_by), (acme.ada.id, acme.ada.id, None));
    assert_eq!((made.title.as_str(), made.location.as_deref()), ("Summer fair", Some("The yard")));
    assert_eq!(acme.ada.read(&made).await, made);
    bench.service.client().post(EVENTS, fair(acme.id)).await.expect(401).refused(ErrorCode::Unauthenticated);
}

async fn what_cannot_be_in_an_event_is_refused_by_its_field(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let long = |count: usize| "x".repeat(count);
    for (field, value) in [
        ("title", json!("ab")),
        ("title", json!("   ab ")),
        ("title", json!(long(201))),
        ("title", json!("two\nlines")),
        ("description", json!("too short")),
        ("description", json!(long(5_001))),
        ("location", json!(long(201))),
        ("location", json!(" ")),
        ("endDate", json!("2030-06-01T10:00:00Z")),
        ("endDate", json!("2030-06-01T09:59:59Z")),
        ("startDate", json!("1969-12-31T23:59:59Z")),
        ("startDate", json!("tomorrow")),
        ("status", json!("APPROVED")),
        ("createdBy", json!(acme.owner.id)),
        ("role", json!("owner")),
    ] {
        let body = with(fair(acme.id), json!({field: value}));
        let refused = acme.ada.client.post(EVENTS, body).await.expect(400).refused(ErrorCode::Validation);
        assert_eq!(refused.error.details[0].field, field, "{value}");
    }
    assert!(acme.owner.titles("").await.is_empty());
}

async fn a_change_is_made_once_and_only_of_what_was_read(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let event = acme.event("DRAFT").await;
    bench.pass(5);
    let changed: Event =
        acme.ada.change(&event, json!({"title": "Winter fair", "location": "Hall"})).await.expect(200).data();
    assert_eq!(
        (changed.title.as_str(), changed.version, changed.status),
        ("Winter fair", 2, EventStatus::Draft)
    );
    assert!(changed.updated_at > event.updated_at && changed.description == event.description);
    let gone: Event = acme.ada.change(&event, json!({"location": null})).await.expect(200).data();
    assert_eq!((gone.location, gone.version), (None, 3));
    // What says the same afterwards is no change.
    let same: Event = acme.ada.change(&event, json!({"title": " Winter fair"})).await.expect(200).data();
    assert_eq!(same.version, 3);
    for (method, rest) in [(Method::PATCH, ""), (Method::DELETE, ""), (Method::POST, "/submit")] {
        let path = at(&event, rest);
        let late = acme.ada.client.request(method.clone(), &path).header("if-match", "\"1\"");
        let late = if method == Method::PATCH { late.json(json!({"title": "Spring"})) } else { late };
        late.send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    }
    let ends_first = json!({"endDate": "2030-06-01T09:00:00Z"});
    let refused = acme.ada.change(&event, ends_first).await.expect(400).refused(ErrorCode::Validation);
    assert_eq!(refused.error.details[0].field, "endDate");
    acme.ada.change(&event, json!({"status": "APPROVED"})).await.expect(400).refused(ErrorCode::Validation);
    bench.holds().await;
}

async fn who_may_change_and_remove_what(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    // A draft is not there for another member, and a moderator may put it right.
    let draft = acme.event("DRAFT").await;
    acme.bob.change(&draft, json!({"title": "Mine now"})).await.expect(404).refused(ErrorCode::NotFound);
    let put_right: Event = acme.moderator.change(&draft, json!({"title": "Fair"})).await.expect(200).data();
    assert_eq!((put_right.created_by, put_right.edited_by), (acme.ada.id, acme.moderator.id));
    // What is approved is seen and not changed by another member.
    let approved = acme.event("APPROVED").await;
    acme.bob.change(&approved, json!({"title": "Mine now"})).await.expect(403).refused(ErrorCode::Forbidden);
    acme.bob.client.delete(&at(&approved, "")).await.expect(403).refused(ErrorCode::Forbidden);
    acme.ada.client.delete(&at(&approved, "")).await.expect(409).refused(ErrorCode::InvalidTransition);
    acme.moderator.client.delete(&at(&approved, "")).await.expect(403).refused(ErrorCode::Forbidden);
    acme.admin.client.delete(&at(&approved, "")).await.expect(204);
    for status in ["DRAFT", "SUBMITTED", "REJECTED"] {
        let own = acme.event(status).await;
        acme.ada.client.delete(&at(&own, "")).await.expect(204);
        acme.ada.client.get(&at(&own, "")).await.expect(404).refused(ErrorCode::NotFound);
        acme.ada.client.delete(&at(&own, "")).await.expect(404).refused(ErrorCode::NotFound);
    }
    let waiting = acme.event("SUBMITTED").await;
    for who in [&acme.ada, &acme.moderator, &acme.owner] {
        let refused = who.change(&waiting, json!({"title": "Other"})).await.expect(409);
        refused.refused(ErrorCode::InvalidTransition);
    }
    acme.owner.client.delete(&at(&waiting, "")).await.expect(204);
    bench.holds().await;
}

async fn of_an_organisation_that_one_does_not_belong_to_nothing_is_made(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, other) = (bench.organization(), bench.organization());
    let refused = acme.owner.client.post(EVENTS, fair(other.id)).await.expect(404);
    refused.refused(ErrorCode::NotFound);
    let admin = bench.person(&[contract::identity::Role::User, contract::identity::Role::Admin], &[]);
    admin.client.post(EVENTS, fair(acme.id)).await.expect(404).refused(ErrorCode::NotFound);
    let both = bench.person(
        &[contract::identity::Role::User],
        &[(acme.id, OrganizationRole::Member), (other.id, OrganizationRole::Member)],
    );
    let made: Value = serde_json::to_value(both.make(fair(other.id)).await).unwrap();
    assert_eq!(made["organizationId"], json!(other.id));
}

on_both_engines!(
    a_member_makes_a_draft,
    what_cannot_be_in_an_event_is_refused_by_its_field,
    a_change_is_made_once_and_only_of_what_was_read,
    who_may_change_and_remove_what,
    of_an_organisation_that_one_does_not_belong_to_nothing_is_made,
);

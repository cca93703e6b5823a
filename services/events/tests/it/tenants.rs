//! What belongs to another organisation is not there: nowhere.

use crate::bench::{Bench, EVENTS, Person, at, why};
use contract::ErrorCode;
use contract::events::Event;
use contract::identity::{OrganizationRole, Role};
use http::Method;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn anothers_event_is_404_everywhere(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, other) = (bench.organization(), bench.organization());
    let nobody = bench.person(&[Role::User, Role::Vendor, Role::Moderator], &[]);
    for status in ["DRAFT", "SUBMITTED", "APPROVED", "REJECTED"] {
        let event = acme.event(status).await;
        for stranger in [&other.ada, &other.moderator, &other.owner, &nobody] {
            let requests = [
                (Method::GET, "", None),
                (Method::GET, "/history", None),
                (Method::PATCH, "", Some(json!({"title": "Taken over"}))),
                (Method::DELETE, "", None),
                (Method::POST, "/submit", None),
                (Method::POST, "/approve", None),
                (Method::POST, "/reject", Some(why())),
                (Method::POST, "/reopen", None),
            ];
            for (method, rest, body) in requests {
                let path = at(&event, rest);
                let ask = stranger.client.request(method.clone(), &path);
                let ask = match body {
                    Some(body) => ask.json(body),
                    None => ask,
                };
                let answer = ask.send().await.expect(404);
                let told = answer.refused(ErrorCode::NotFound);
                assert!(!told.error.message.contains("Summer"), "{method} {rest}");
            }
        }
        assert_eq!(acme.ada.read(&event).await, event);
    }
    bench.holds().await;
}

async fn anothers_events_are_in_no_list(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, other) = (bench.organization(), bench.organization());
    let event = acme.event("APPROVED").await;
    acme.event("SUBMITTED").await;
    for stranger in [&other.ada, &other.owner] {
        for query in [
            String::new(),
            "search=summer".to_owned(),
            format!("createdBy={}", acme.ada.id),
            "status=APPROVED".to_owned(),
            "startDateFrom=2000-01-01T00:00:00Z".to_owned(),
        ] {
            let answer = stranger.client.get(&format!("{EVENTS}?{query}")).await.expect(200);
            assert!(answer.data::<Vec<Event>>().is_empty(), "{query}");
            assert_eq!(answer.json()["pagination"]["total"], 0, "{query}");
        }
        let named = format!("{EVENTS}?organizationId={}", acme.id);
        stranger.client.get(&named).await.expect(404).refused(ErrorCode::NotFound);
        let rules = format!("{EVENTS}/organizations/{}/rules", acme.id);
        stranger.client.get(&rules).await.expect(404).refused(ErrorCode::NotFound);
        stranger.client.put(&rules, json!({"ownDecisions": true})).await.expect(404);
        let link = json!({"organizationId": acme.id});
        stranger.client.post(&format!("{EVENTS}/calendar-links"), link).await.expect(404);
    }
    assert_eq!(acme.bob.titles("").await, [event.title]);
}

async fn a_member_sees_what_is_approved_and_their_own(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let mut all = Vec::new();
    for status in ["DRAFT", "SUBMITTED", "APPROVED", "REJECTED"] {
        all.push(acme.event(status).await);
    }
    let count = async |who: &Person, query: &str| who.titles(query).await.len();
    assert_eq!(count(&acme.ada, "").await, 4);
    assert_eq!(count(&acme.bob, "").await, 1);
    assert_eq!(count(&acme.bob, "status=SUBMITTED").await, 0);
    for decider in [&acme.moderator, &acme.admin, &acme.owner] {
        assert_eq!(count(decider, "").await, 4);
    }
    for event in &all {
        let expected = if event.status.as_str() == "APPROVED" { 200 } else { 404 };
        acme.bob.client.get(&at(event, "")).await.expect(expected);
        acme.moderator.client.get(&at(event, "")).await.expect(200);
    }
    // Somebody who decides in one organisation and belongs to another sees accordingly.
    let other = bench.organization();
    other.event("SUBMITTED").await;
    let both = bench.person(
        &[Role::User],
        &[(acme.id, OrganizationRole::Moderator), (other.id, OrganizationRole::Member)],
    );
    assert_eq!(count(&both, "").await, 4);
    assert_eq!(count(&both, &format!("organizationId={}", other.id)).await, 0);
    assert_eq!(count(&both, &format!("organizationId={}&status=SUBMITTED", acme.id)).await, 1);
}

async fn who_manages_the_platform_reads_everything_and_changes_nothing(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let admin = bench.person(&[Role::User, Role::Admin], &[]);
    let draft = acme.event("DRAFT").await;
    assert_eq!(admin.read(&draft).await, draft);
    assert_eq!(admin.titles("").await.len(), 1);
    assert_eq!(admin.titles(&format!("organizationId={}", acme.id)).await.len(), 1);
    assert_eq!(admin.history(&draft).await.len(), 1);
    admin.change(&draft, json!({"title": "Taken over"})).await.expect(403).refused(ErrorCode::Forbidden);
    admin.client.delete(&at(&draft, "")).await.expect(403).refused(ErrorCode::Forbidden);
    admin.try_step(&draft, "submit").await.expect(403).refused(ErrorCode::Forbidden);
    assert_eq!(acme.ada.read(&draft).await, draft);
}

async fn who_leaves_an_organisation_has_nothing_there_any_more(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let draft = acme.event("DRAFT").await;
    let key = "a-key-of-hers";
    let path = at(&draft, "/submit");
    let submit = |who: Person| {
        let path = path.clone();
        async move { who.client.request(Method::POST, &path).header("idempotency-key", key).send().await }
    };
    submit(acme.ada.clone()).await.expect(200);
    let left = bench.again(acme.ada.id, &[Role::User], &[]);
    left.client.get(&at(&draft, "")).await.expect(404).refused(ErrorCode::NotFound);
    left.client.get(&at(&draft, "/history")).await.expect(404).refused(ErrorCode::NotFound);
    left.change(&draft, json!({"title": "Still mine"})).await.expect(404).refused(ErrorCode::NotFound);
    assert!(left.titles(&format!("createdBy={}", left.id)).await.is_empty());
    // Not even the answer that she got before.
    submit(left).await.expect(404).refused(ErrorCode::NotFound);
    submit(acme.ada.clone()).await.expect(200);
}

on_both_engines!(
    anothers_event_is_404_everywhere,
    anothers_events_are_in_no_list,
    a_member_sees_what_is_approved_and_their_own,
    who_manages_the_platform_reads_everything_and_changes_nothing,
    who_leaves_an_organisation_has_nothing_there_any_more,
);

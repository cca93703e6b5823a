//! What the system before did wrong, by name: none of it is here.

use crate::bench::{Bench, EVENTS, at, fair};
use contract::ErrorCode;
use contract::identity::{OrganizationRole, Role};
use contract::ids::OrganizationId;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn nobody_takes_over_an_organisation_by_naming_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let event = acme.event("SUBMITTED").await;
    // It made every caller an admin of whatever organisation they named.
    let eve = bench.person(&[Role::User], &[(OrganizationId::new(), OrganizationRole::Owner)]);
    for body in [
        fair(acme.id),
        json!({"organizationName": "acme"}),
        json!({"organizationId": acme.id, "role": "ADMIN"}),
    ] {
        let status = eve.client.post(EVENTS, body).await.status.as_u16();
        assert!([400, 404].contains(&status), "{status}");
    }
    eve.try_step(&event, "approve").await.expect(404).refused(ErrorCode::NotFound);
}

async fn every_rule_of_a_list_is_a_rule_here(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    // It passed limits on as texts, and lost its filters and checks.
    for wrong in [
        "limit=0",
        "limit=101",
        "limit=ten",
        "page=0",
        "sort=password",
        "sort=startDate;DROP",
        "status=draft",
        "startDateFrom=yesterday",
        "organizationId=acme",
        "search=%22%27",
        "cursor=!",
        "owner=me",
    ] {
        let path = format!("{EVENTS}?{wrong}");
        acme.ada.client.get(&path).await.expect(400).refused(ErrorCode::Validation);
    }
    bench.service.client().get(EVENTS).await.expect(401).refused(ErrorCode::Unauthenticated);
}

async fn a_wrong_id_is_a_400_and_an_unknown_one_a_404(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    // Its split services answered both with 500.
    acme.ada.client.get(&format!("{EVENTS}/1")).await.expect(400).refused(ErrorCode::Validation);
    let event = acme.event("DRAFT").await;
    acme.ada.client.delete(&at(&event, "")).await.expect(204);
    for verb in ["submit", "approve", "reject", "reopen"] {
        acme.ada.client.post(&format!("{EVENTS}/1/{verb}"), json!({})).await.expect(400);
    }
    acme.ada.try_step(&event, "submit").await.expect(404).refused(ErrorCode::NotFound);
    acme.moderator.try_step(&event, "approve").await.expect(404).refused(ErrorCode::NotFound);
}

on_both_engines!(
    nobody_takes_over_an_organisation_by_naming_it,
    every_rule_of_a_list_is_a_rule_here,
    a_wrong_id_is_a_400_and_an_unknown_one_a_404,
);

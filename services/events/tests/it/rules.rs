//! What an organisation allows.

use crate::bench::{Bench, EVENTS, fair};
use contract::ErrorCode;
use contract::events::{EventRules, EventStatus};
use contract::ids::OrganizationId;
use serde_json::json;
use testkit::{Engine, on_both_engines};

fn of(organization: OrganizationId) -> String {
    format!("{EVENTS}/organizations/{organization}/rules")
}

async fn own_events_are_decided_where_the_organisation_allows_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, other) = (bench.organization(), bench.organization());
    let usual: EventRules = acme.bob.client.get(&of(acme.id)).await.expect(200).data();
    assert_eq!((usual.own_decisions, usual.set_by, usual.set_at), (false, None, None));
    let own = acme.moderator.make(fair(acme.id)).await;
    acme.moderator.step(&own, "submit").await;
    acme.moderator.try_step(&own, "approve").await.expect(403).refused(ErrorCode::Forbidden);
    let set: EventRules =
        acme.admin.client.put(&of(acme.id), json!({"ownDecisions": true})).await.expect(200).data();
    assert_eq!((set.own_decisions, set.set_by), (true, Some(acme.admin.id)));
    assert_eq!(acme.bob.client.get(&of(acme.id)).await.expect(200).data::<EventRules>(), set);
    assert_eq!(acme.moderator.step(&own, "approve").await.status, EventStatus::Approved);
    // Another organisation has its own rules.
    let theirs = other.moderator.make(fair(other.id)).await;
    other.moderator.step(&theirs, "submit").await;
    other.moderator.try_step(&theirs, "approve").await.expect(403).refused(ErrorCode::Forbidden);
    // A member decides nothing, whatever is allowed.
    let mine = acme.ada.make(fair(acme.id)).await;
    acme.ada.step(&mine, "submit").await;
    acme.ada.try_step(&mine, "approve").await.expect(403).refused(ErrorCode::Forbidden);
    acme.owner.client.put(&of(acme.id), json!({"ownDecisions": false})).await.expect(200);
    let again = acme.moderator.make(fair(acme.id)).await;
    acme.moderator.step(&again, "submit").await;
    acme.moderator.try_step(&again, "approve").await.expect(403).refused(ErrorCode::Forbidden);
}

async fn only_who_manages_an_organisation_sets_its_rules(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    for who in [&acme.ada, &acme.moderator] {
        let refused = who.client.put(&of(acme.id), json!({"ownDecisions": true})).await.expect(403);
        refused.refused(ErrorCode::Forbidden);
    }
    for wrong in [json!({}), json!({"ownDecisions": "yes"}), json!({"ownDecisions": true, "role": "owner"})] {
        acme.owner.client.put(&of(acme.id), wrong).await.expect(400).refused(ErrorCode::Validation);
    }
    bench.service.client().get(&of(acme.id)).await.expect(401).refused(ErrorCode::Unauthenticated);
    let now: EventRules = acme.ada.client.get(&of(acme.id)).await.expect(200).data();
    assert!(!now.own_decisions);
}

on_both_engines!(
    own_events_are_decided_where_the_organisation_allows_it,
    only_who_manages_an_organisation_sets_its_rules,
);

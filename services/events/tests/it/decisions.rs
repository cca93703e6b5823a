//! The way through approval.

use crate::bench::{Bench, at, why};
use contract::ErrorCode;
use contract::events::{Event, EventStatus};
use contract::identity::Role;
use http::Method;
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_rejected_event_is_edited_and_submitted_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let waiting = acme.event("SUBMITTED").await;
    let rejected: Event =
        acme.moderator.client.post(&at(&waiting, "/reject"), why()).await.expect(200).data();
    assert_eq!(rejected.status, EventStatus::Rejected);
    assert_eq!(rejected.rejection_reason.as_deref(), Some("Say who is responsible."));
    assert_eq!(rejected.decided_by, Some(acme.moderator.id));
    // It is not submitted as it is; a change makes a draft of it, which still says what was wrong.
    acme.ada.try_step(&rejected, "submit").await.expect(409).refused(ErrorCode::InvalidTransition);
    let change = json!({"description": "Ada is responsible for the stalls."});
    let draft: Event = acme.ada.change(&rejected, change).await.expect(200).data();
    assert_eq!((draft.status, draft.rejection_reason.is_some()), (EventStatus::Draft, true));
    let again = acme.ada.step(&draft, "submit").await;
    assert_eq!((again.status, again.rejection_reason), (EventStatus::Submitted, None));
    let approved = acme.second.step(&draft, "approve").await;
    assert_eq!((approved.status, approved.decided_by), (EventStatus::Approved, Some(acme.second.id)));
    assert_eq!(acme.bob.read(&approved).await, approved);
    bench.holds().await;
}

async fn a_rejected_event_is_reopened_as_it_is(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let rejected = acme.event("REJECTED").await;
    for other in [&acme.moderator, &acme.owner] {
        other.try_step(&rejected, "reopen").await.expect(403).refused(ErrorCode::Forbidden);
    }
    let draft = acme.ada.step(&rejected, "reopen").await;
    assert_eq!((draft.status, draft.title.as_str()), (EventStatus::Draft, "Summer fair"));
    acme.ada.try_step(&draft, "reopen").await.expect(409).refused(ErrorCode::InvalidTransition);
    acme.ada.step(&draft, "submit").await;
    acme.moderator.step(&draft, "approve").await;
}

async fn approved_content_that_is_edited_goes_back_to_review(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let approved = acme.event("APPROVED").await;
    acme.bob.read(&approved).await;
    let edited: Event = acme.ada.change(&approved, json!({"title": "Wild party"})).await.expect(200).data();
    assert_eq!((edited.status, edited.decided_by), (EventStatus::Submitted, None));
    // Nobody but who decides sees it before it is approved again.
    acme.bob.client.get(&at(&approved, "")).await.expect(404).refused(ErrorCode::NotFound);
    assert!(acme.bob.titles("").await.is_empty());
    assert_eq!(acme.second.titles("status=SUBMITTED").await, ["Wild party"]);
    acme.second.step(&approved, "approve").await;
    assert_eq!(acme.bob.titles("").await, ["Wild party"]);
}

async fn who_edits_what_was_approved_does_not_approve_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let approved = acme.event("APPROVED").await;
    let edited: Event =
        acme.moderator.change(&approved, json!({"title": "My party"})).await.expect(200).data();
    assert_eq!((edited.status, edited.edited_by), (EventStatus::Submitted, acme.moderator.id));
    acme.moderator.try_step(&edited, "approve").await.expect(403).refused(ErrorCode::Forbidden);
    acme.moderator.try_step(&edited, "reject").await.expect(403).refused(ErrorCode::Forbidden);
    acme.second.step(&edited, "approve").await;
}

async fn who_decides_is_who_has_a_role_for_it_in_this_organisation(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let waiting = acme.event("SUBMITTED").await;
    for verb in ["approve", "reject"] {
        acme.ada.try_step(&waiting, verb).await.expect(403).refused(ErrorCode::Forbidden);
        acme.bob.try_step(&waiting, verb).await.expect(404).refused(ErrorCode::NotFound);
        // A moderator of the platform is none here.
        let platform = bench.person(&[Role::User, Role::Moderator], &[]);
        platform.try_step(&waiting, verb).await.expect(404).refused(ErrorCode::NotFound);
        let admin = bench.person(&[Role::User, Role::Admin], &[]);
        admin.try_step(&waiting, verb).await.expect(403).refused(ErrorCode::Forbidden);
    }
    assert_eq!(acme.owner.read(&waiting).await.status, EventStatus::Submitted);
    // Only its creator submits, whoever else has whichever role.
    let draft = acme.event("DRAFT").await;
    acme.owner.try_step(&draft, "submit").await.expect(403).refused(ErrorCode::Forbidden);
    for decider in [&acme.second, &acme.admin, &acme.owner] {
        let waiting = acme.event("SUBMITTED").await;
        decider.step(&waiting, "approve").await;
    }
}

async fn a_rejection_has_a_reason_of_ten_to_five_hundred_characters(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let waiting = acme.event("SUBMITTED").await;
    let path = at(&waiting, "/reject");
    for reason in [json!("Too short"), json!("x".repeat(501)), json!("  padded   "), json!(null)] {
        let refused = acme.moderator.client.post(&path, json!({"reason": reason})).await.expect(400);
        assert_eq!(refused.refused(ErrorCode::Validation).error.details[0].field, "reason");
    }
    acme.moderator.client.post(&path, json!({})).await.expect(400).refused(ErrorCode::Validation);
    assert_eq!(acme.moderator.read(&waiting).await.status, EventStatus::Submitted);
}

async fn what_is_decided_is_not_decided_again(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    for status in ["DRAFT", "APPROVED", "REJECTED"] {
        let event = acme.event(status).await;
        for verb in ["approve", "reject"] {
            let refused = acme.second.try_step(&event, verb).await.expect(409);
            let refused = refused.refused(ErrorCode::InvalidTransition);
            assert!(refused.error.message.contains(status), "{refused:?}");
        }
        assert_eq!(acme.second.read(&event).await, event);
    }
}

async fn a_moderator_decides_on_what_they_have_read(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let waiting = acme.event("SUBMITTED").await;
    let read = acme.moderator.client.get(&at(&waiting, "")).await.expect(200);
    let tag = read.header("etag").unwrap().to_owned();
    // Meanwhile it was sent back, changed and submitted again: it waits as it did, and says something else.
    acme.second.step(&waiting, "reject").await;
    acme.ada.change(&waiting, json!({"title": "Something else"})).await.expect(200);
    acme.ada.step(&waiting, "submit").await;
    let path = at(&waiting, "/approve");
    let late = acme.moderator.client.request(Method::POST, &path).header("if-match", &tag).json(json!({}));
    late.send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    assert_eq!(acme.moderator.read(&waiting).await.status, EventStatus::Submitted);
}

on_both_engines!(
    a_rejected_event_is_edited_and_submitted_again,
    a_rejected_event_is_reopened_as_it_is,
    approved_content_that_is_edited_goes_back_to_review,
    who_edits_what_was_approved_does_not_approve_it,
    who_decides_is_who_has_a_role_for_it_in_this_organisation,
    a_rejection_has_a_reason_of_ten_to_five_hundred_characters,
    what_is_decided_is_not_decided_again,
    a_moderator_decides_on_what_they_have_read,
);

//! Several at once: one wins, the others are told.

use crate::bench::{Bench, Person, at};
use crate::listener::{All, heard};
use contract::ErrorCode;
use contract::events::{EventAction, EventStatus};
use contract::identity::OrganizationRole;
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Engine, Listener, on_both_engines};

async fn of_many_who_decide_at_once_one_wins(engine: Engine) {
    let Some(bench) = Bench::start_with(engine, |setup| setup.and::<Listener<All>>()).await else { return };
    let acme = bench.organization();
    let moderators: Vec<Person> =
        (0..12).map(|_| bench.member(acme.id, OrganizationRole::Moderator)).collect();
    for _ in 0..5 {
        let waiting = acme.event("SUBMITTED").await;
        let verbs = moderators.iter().enumerate().map(|(place, who)| {
            let (waiting, verb) = (waiting.clone(), if place % 2 == 0 { "approve" } else { "reject" });
            async move { (who.id, verb, who.try_step(&waiting, verb).await) }
        });
        let mut winner = None;
        for (who, verb, answer) in join_all(verbs).await {
            match answer.status.as_u16() {
                200 => assert_eq!(winner.replace((who, verb)), None, "two have decided"),
                _ => drop(answer.expect(409).refused(ErrorCode::InvalidTransition)),
            }
        }
        let (who, verb) = winner.unwrap();
        let after = acme.ada.read(&waiting).await;
        let status = if verb == "approve" { EventStatus::Approved } else { EventStatus::Rejected };
        assert_eq!((after.status, after.decided_by, after.version), (status, Some(who), 3));
        let steps = acme.ada.history(&waiting).await;
        let decided = |action| matches!(action, EventAction::Approved | EventAction::Rejected);
        assert_eq!(steps.iter().filter(|step| decided(step.action)).count(), 1);
        let told = heard(&bench, waiting.id, 3).await;
        let decisions = told.iter().filter(|(kind, _)| ["event.approved", "event.rejected"].contains(kind));
        assert_eq!(decisions.count(), 1, "{told:?}");
    }
    bench.holds().await;
}

async fn a_change_and_a_decision_at_once_never_approve_what_nobody_read(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    for round in 0..10 {
        let approved = acme.event("APPROVED").await;
        // Two changes and two decisions: whatever comes first, what is approved at the end was decided on as it is.
        let title = format!("Round {round}");
        let (one, two, three, _) = tokio::join!(
            acme.ada.change(&approved, json!({"title": title})),
            acme.moderator.change(&approved, json!({"title": "Another"})),
            acme.second.try_step(&approved, "approve"),
            acme.admin.try_step(&approved, "reject"),
        );
        for answer in [&one, &two, &three] {
            assert!([200, 409].contains(&answer.status.as_u16()), "{}", answer.text());
        }
        assert!(one.status == 200 || two.status == 200);
        let steps = acme.owner.history(&approved).await;
        let now = acme.owner.read(&approved).await;
        if now.status == EventStatus::Approved {
            let last_change = steps.iter().rposition(|step| step.action == EventAction::Updated).unwrap();
            let decided = steps.iter().rposition(|step| step.action == EventAction::Approved).unwrap();
            assert!(last_change < decided, "{steps:?}");
        }
    }
    bench.holds().await;
}

async fn an_event_is_submitted_or_removed_and_not_both(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    for _ in 0..10 {
        let draft = acme.event("DRAFT").await;
        let path = at(&draft, "");
        let (submitted, again, removed) = tokio::join!(
            acme.ada.try_step(&draft, "submit"),
            acme.ada.try_step(&draft, "submit"),
            acme.ada.client.delete(&path),
        );
        removed.expect(204);
        let both = [submitted.status.as_u16(), again.status.as_u16()];
        assert!(both.iter().filter(|status| **status == 200).count() <= 1, "{both:?}");
        assert!(both.iter().all(|status| [200, 404, 409].contains(status)), "{both:?}");
    }
    bench.holds().await;
}

on_both_engines!(
    of_many_who_decide_at_once_one_wins,
    a_change_and_a_decision_at_once_never_approve_what_nobody_read,
    an_event_is_submitted_or_removed_and_not_both,
);

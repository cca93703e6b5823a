//! Who did what, and who may know.

use crate::bench::{Bench, at, why};
use chassis::db::q;
use contract::ErrorCode;
use contract::events::{EventAction, EventStatus, EventStep};
use serde_json::json;
use testkit::{Engine, eventually, on_both_engines};

async fn the_history_tells_everything_that_was_done(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let event = acme.event("SUBMITTED").await;
    bench.pass(10);
    acme.moderator.client.post(&at(&event, "/reject"), why()).await.expect(200);
    acme.ada.change(&event, json!({"title": "Fête d'été", "location": "Hall"})).await.expect(200);
    acme.ada.step(&event, "submit").await;
    acme.second.step(&event, "approve").await;
    acme.moderator.change(&event, json!({"location": null})).await.expect(200);
    acme.admin.step(&event, "approve").await;
    acme.owner.client.delete(&at(&event, "")).await.expect(204);
    let steps = acme.ada.history(&event).await;
    let told: Vec<_> = steps.iter().map(|step| (step.action.as_str(), step.by, step.to)).collect();
    let (draft, submitted) = (Some(EventStatus::Draft), Some(EventStatus::Submitted));
    let (approved, rejected) = (Some(EventStatus::Approved), Some(EventStatus::Rejected));
    assert_eq!(
        told,
        [
            ("CREATED", acme.ada.id, draft),
            ("SUBMITTED", acme.ada.id, submitted),
            ("REJECTED", acme.moderator.id, rejected),
            ("UPDATED", acme.ada.id, draft),
            ("SUBMITTED", acme.ada.id, submitted),
            ("APPROVED", acme.second.id, approved),
            ("UPDATED", acme.moderator.id, submitted),
            ("APPROVED", acme.admin.id, approved),
            ("DELETED", acme.owner.id, None),
        ]
    );
    assert_eq!(steps.iter().map(|step| step.version).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
    for pair in steps.windows(2) {
        assert_eq!(pair[1].from, pair[0].to);
    }
    assert_eq!(steps[2].reason.as_deref(), Some("Say who is responsible."));
    assert!(steps[2].at > steps[1].at);
    let changed = serde_json::to_value(&steps[3].changes).unwrap();
    assert_eq!(
        changed,
        json!([{"field": "title", "from": "Summer fair", "to": "Fête d'été"}, {"field": "location", "to": "Hall"}])
    );
    assert_eq!(
        serde_json::to_value(&steps[6].changes).unwrap(),
        json!([{"field": "location", "from": "Hall"}])
    );
    let page = acme.ada.client.get(&at(&event, "/history?page=2&limit=4")).await.expect(200);
    let versions: Vec<i64> = page.data::<Vec<EventStep>>().iter().map(|step| step.version).collect();
    assert_eq!((versions, page.json()["pagination"]["total"].as_u64()), (vec![5, 6, 7, 8], Some(9)));
    bench.holds().await;
}

async fn what_was_before_approval_is_not_for_every_member(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let (draft, approved) = (acme.event("DRAFT").await, acme.event("APPROVED").await);
    acme.bob.client.get(&at(&draft, "/history")).await.expect(404).refused(ErrorCode::NotFound);
    acme.bob.client.get(&at(&approved, "/history")).await.expect(403).refused(ErrorCode::Forbidden);
    for who in [&acme.ada, &acme.second, &acme.owner] {
        assert_eq!(who.history(&approved).await.len(), 3);
    }
    bench.service.client().get(&at(&approved, "/history")).await.expect(401);
    acme.admin.client.delete(&at(&approved, "")).await.expect(204);
    assert_eq!(acme.ada.history(&approved).await.last().unwrap().action, EventAction::Deleted);
    acme.bob.client.get(&at(&approved, "/history")).await.expect(404).refused(ErrorCode::NotFound);
}

async fn the_history_of_what_was_removed_long_ago_is_removed(engine: Engine) {
    let Some(bench) =
        Bench::start_with(engine, |setup| setup.set("BOWLINE_EVENTS__KEEP_DELETED_DAYS", "10")).await
    else {
        return;
    };
    let acme = bench.organization();
    let (gone, stays) = (acme.event("DRAFT").await, acme.event("DRAFT").await);
    acme.ada.client.delete(&at(&gone, "")).await.expect(204);
    let db = bench.service.db("events");
    let count = || async {
        let steps: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM event_step").unwrap();
        steps
    };
    assert_eq!(count().await, 3);
    bench.pass(11 * 86_400);
    eventually(|| async {
        let steps = count().await;
        if steps == 1 { Ok(()) } else { Err(steps) }
    })
    .await;
    let sql = "SELECT COUNT(*) FROM event_step WHERE event_id = $1";
    let kept: i64 = q!(db.read, scalar, sql, stays.id.uuid()).unwrap();
    assert_eq!(kept, 1);
}

async fn an_audit_finds_a_history_that_does_not_tell_how_it_came_to_be(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let (told_less, stands_elsewhere) = (acme.event("SUBMITTED").await, acme.event("APPROVED").await);
    bench.holds().await;
    let db = bench.service.db("events");
    let lost = "DELETE FROM event_step WHERE event_id = $1 AND version = 1";
    q!(db.write, execute, lost, told_less.id.uuid()).unwrap();
    let moved = "UPDATE event SET status = 'SUBMITTED' WHERE id = $1";
    q!(db.write, execute, moved, stands_elsewhere.id.uuid()).unwrap();
    let findings = bench.service.assembled().books().audit().await;
    let finding = findings.iter().find(|f| f.invariant == "the-history-of-events-is-whole").unwrap();
    let mut subjects: Vec<&str> = finding.violations.iter().map(|found| found.subject.as_str()).collect();
    subjects.sort_unstable();
    let mut both = [format!("event {}", told_less.id), format!("event {}", stands_elsewhere.id)];
    both.sort_unstable();
    assert_eq!(subjects, both);
}

on_both_engines!(
    the_history_tells_everything_that_was_done,
    what_was_before_approval_is_not_for_every_member,
    the_history_of_what_was_removed_long_ago_is_removed,
    an_audit_finds_a_history_that_does_not_tell_how_it_came_to_be,
);

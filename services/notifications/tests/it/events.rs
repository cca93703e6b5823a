//! Events of organisations: who decides is told that one waits, who made it is told what was decided.

use crate::bench::{Bench, Person};
use contract::events::{EventApproved, EventCard, EventRejected, EventStatus, EventSubmitted};
use contract::identity::{OrganizationRole, Role};
use contract::ids::{EventId, OrganizationId, UserId};
use testkit::{Engine, on_both_engines};

fn card(organization: OrganizationId, creator: UserId, status: EventStatus, version: i64) -> EventCard {
    EventCard { id: EventId::new(), organization, creator, title: "Summer fair".to_owned(), status, version }
}

/// Somebody whom auth knows, as a member of an organisation.
fn member(bench: &Bench, name: &str, organization: OrganizationId, role: OrganizationRole) -> Person {
    let person = bench.person(name, &[Role::User]);
    bench.issuer.enroll(organization, person.id, Some(role));
    person
}

async fn who_decides_is_told_each_time_that_an_event_waits(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, other) = (OrganizationId::new(), OrganizationId::new());
    let ada = member(&bench, "ada", acme, OrganizationRole::Member);
    let deciding: Vec<Person> = [
        ("mod", OrganizationRole::Moderator),
        ("admin", OrganizationRole::Admin),
        ("owner", OrganizationRole::Owner),
    ]
    .map(|(name, role)| member(&bench, name, acme, role))
    .into();
    let elsewhere = member(&bench, "elsewhere", other, OrganizationRole::Owner);
    let event = card(acme, ada.id, EventStatus::Submitted, 2);
    let submitted = EventSubmitted { event: event.clone(), by: ada.id, again: false };
    let id = bench.publish(&submitted).await;
    for person in &deciding {
        let mail = bench.until_mailed(&person.email, 1).await;
        assert_eq!(mail[0].subject, "\"Summer fair\" waits for a decision");
        assert_eq!(mail[0].kind, "event_submitted");
    }
    // The same event again is no news; submitted again, it is. Who has changed it themselves knows.
    bench.publish_as(id, &submitted).await;
    let event = EventCard { version: 5, ..event };
    bench.publish(&EventSubmitted { event, by: deciding[0].id, again: true }).await;
    bench.until_mailed(&deciding[2].email, 2).await;
    bench.until_quiet(2).await;
    assert_eq!(bench.mail_to(&deciding[0].email).await.len(), 1);
    assert_eq!(bench.mail_to(&deciding[1].email).await.len(), 2);
    for person in [&ada, &elsewhere] {
        assert!(bench.mail_to(&person.email).await.is_empty());
    }
    bench.holds().await;
}

async fn everybody_who_decides_is_told_however_many_they_are(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = OrganizationId::new();
    for place in 0..230 {
        member(&bench, &format!("mod{place}"), acme, OrganizationRole::Moderator);
    }
    let event = card(acme, UserId::new(), EventStatus::Submitted, 2);
    bench.publish(&EventSubmitted { by: event.creator, event, again: false }).await;
    bench.until_counted("SELECT COUNT(*) FROM notification", 230).await;
    bench.until_quiet(1).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM mail_outbox").await, 230);
    bench.holds().await;
}

async fn who_made_an_event_is_told_what_was_decided(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, by) = (OrganizationId::new(), UserId::new());
    let ada = member(&bench, "ada", acme, OrganizationRole::Member);
    let reason = "Say who\nis responsible.".to_owned();
    let rejected = card(acme, ada.id, EventStatus::Rejected, 3);
    let again = EventCard { version: 6, ..rejected.clone() };
    let approved = EventCard { version: 9, status: EventStatus::Approved, ..rejected.clone() };
    bench.publish(&EventRejected { event: rejected, by, reason: reason.clone() }).await;
    bench.publish(&EventRejected { event: again, by, reason }).await;
    bench.publish(&EventApproved { event: approved.clone(), by }).await;
    // What she decides herself she knows.
    bench.publish(&EventApproved { event: EventCard { version: 12, ..approved }, by: ada.id }).await;
    let mail = bench.until_mailed(&ada.email, 3).await;
    bench.until_quiet(4).await;
    assert_eq!(bench.mail_to(&ada.email).await.len(), 3);
    let mut subjects: Vec<&str> = mail.iter().map(|mail| mail.subject.as_str()).collect();
    subjects.sort_unstable();
    let sent_back = "\"Summer fair\" was sent back";
    assert_eq!(subjects, ["\"Summer fair\" was approved", sent_back, sent_back]);
    let letter = mail.iter().find(|mail| mail.kind == "event_rejected").unwrap();
    assert!(letter.body_text.contains("was not approved: Say who is responsible."), "{letter:?}");
    bench.holds().await;
}

async fn while_auth_is_away_those_who_decide_are_told_later(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = OrganizationId::new();
    let moderator = member(&bench, "mod", acme, OrganizationRole::Moderator);
    bench.issuer.silence(true);
    let event = card(acme, UserId::new(), EventStatus::Submitted, 2);
    bench.publish(&EventSubmitted { by: event.creator, event, again: false }).await;
    bench.until_counted("SELECT COUNT(*) FROM job WHERE name = 'tell-moderators' AND attempts > 0", 1).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM notification").await, 0);
    bench.issuer.silence(false);
    bench.pass(3_600);
    bench.until_mailed(&moderator.email, 1).await;
    bench.holds().await;
}

on_both_engines!(
    who_decides_is_told_each_time_that_an_event_waits,
    everybody_who_decides_is_told_however_many_they_are,
    who_made_an_event_is_told_what_was_decided,
    while_auth_is_away_those_who_decide_are_told_later,
);

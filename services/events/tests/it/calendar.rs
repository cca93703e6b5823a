//! Calendar feeds: what is in them, and whom they are for.

use crate::bench::{Bench, EVENTS, Organization, Person, at, fair, with};
use chassis::db::q;
use contract::ErrorCode;
use contract::auth::OrganizationMemberLeft;
use contract::events::{CalendarLink, NewCalendarLink};
use contract::identity::OrganizationRole;
use http::Method;
use serde_json::json;
use testkit::{Answer, Engine, eventually, on_both_engines};

const LINKS: &str = "/api/v1/events/calendar-links";

async fn link(who: &Person, acme: &Organization) -> NewCalendarLink {
    who.client.post(LINKS, json!({"organizationId": acme.id})).await.expect(201).data()
}

/// As a calendar program asks: without a token of any kind.
async fn feed(bench: &Bench, link: &NewCalendarLink) -> Answer {
    bench.service.client().get(link.path.expose()).await
}

/// The titles of a calendar.
fn titles(answer: &Answer) -> Vec<String> {
    let text = answer.text().replace("\r\n ", "");
    text.split("\r\n").filter_map(|line| line.strip_prefix("SUMMARY:")).map(str::to_owned).collect()
}

async fn a_feed_holds_what_is_approved_and_nothing_else(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (acme, other) = (bench.organization(), bench.organization());
    for status in ["DRAFT", "SUBMITTED", "REJECTED"] {
        acme.event(status).await;
    }
    let approved = acme.event("APPROVED").await;
    other.event("APPROVED").await;
    // Who decides sees more elsewhere, and not here.
    let made = link(&acme.owner, &acme).await;
    let answer = feed(&bench, &made).await.expect(200);
    assert_eq!(answer.header("content-type"), Some("text/calendar; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("private, no-cache"));
    let text = answer.text().into_owned();
    assert!(text.starts_with("BEGIN:VCALENDAR\r\nVERSION:2.0\r\n") && text.ends_with("END:VCALENDAR\r\n"));
    assert_eq!(titles(&answer), ["Summer fair"]);
    for line in [
        format!("UID:{}@bowline", approved.id),
        "DTSTART:20300601T100000Z".to_owned(),
        "DTEND:20300601T180000Z".to_owned(),
    ] {
        assert!(text.contains(&format!("{line}\r\n")), "{line}: {text}");
    }
    // The same calendar is not sent twice.
    let tag = answer.header("etag").unwrap().to_owned();
    let client = bench.service.client();
    let again = client.request(Method::GET, made.path.expose()).header("if-none-match", &tag).send().await;
    assert_eq!(again.status, 304);
    // What is changed goes out of it until it is approved again.
    acme.ada.change(&approved, json!({"title": "Wild party"})).await.expect(200);
    assert!(titles(&feed(&bench, &made).await.expect(200)).is_empty());
    acme.second.step(&approved, "approve").await;
    let client = bench.service.client();
    let now = client.request(Method::GET, made.path.expose()).header("if-none-match", &tag).send().await;
    assert_eq!(titles(&now.expect(200)), ["Wild party"]);
}

async fn a_feed_holds_what_is_to_come_and_a_bounded_number(engine: Engine) {
    let few = |setup: testkit::Setup| {
        setup.set("BOWLINE_EVENTS__CALENDAR_MOST", "3").set("BOWLINE_EVENTS__CALENDAR_PAST_DAYS", "10")
    };
    let Some(bench) = Bench::start_with(engine, few).await else { return };
    let acme = bench.organization();
    let today = bench.service.clock().now().to_datetime();
    for (days, title) in [(-11, "Long ago"), (-9, "Lately"), (1, "Soon"), (2, "Later"), (3, "Too many")] {
        let start = today + time::Duration::days(days);
        let rfc = &time::format_description::well_known::Rfc3339;
        let (start, end) =
            (start.format(rfc).unwrap(), (start + time::Duration::hours(1)).format(rfc).unwrap());
        let body = with(fair(acme.id), json!({"title": title, "startDate": start, "endDate": end}));
        let event = acme.ada.make(body).await;
        acme.ada.step(&event, "submit").await;
        acme.moderator.step(&event, "approve").await;
    }
    let made = link(&acme.bob, &acme).await;
    assert_eq!(titles(&feed(&bench, &made).await.expect(200)), ["Lately", "Soon", "Later"]);
}

async fn a_feed_is_of_one_person_who_can_end_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let (adas, bobs) = (link(&acme.ada, &acme).await, link(&acme.bob, &acme).await);
    assert_ne!(adas.token.expose(), bobs.token.expose());
    let listed: Vec<CalendarLink> = acme.ada.client.get(LINKS).await.expect(200).data();
    assert_eq!(listed, std::slice::from_ref(&adas.link));
    assert!(!acme.ada.client.get(LINKS).await.text().contains(adas.token.expose()));
    // Another one takes its place.
    let second = link(&acme.ada, &acme).await;
    feed(&bench, &adas).await.expect(404).refused(ErrorCode::NotFound);
    feed(&bench, &second).await.expect(200);
    let path = format!("{LINKS}/{}", second.link.id);
    acme.bob.client.delete(&path).await.expect(404).refused(ErrorCode::NotFound);
    feed(&bench, &second).await.expect(200);
    acme.ada.client.delete(&path).await.expect(204);
    feed(&bench, &second).await.expect(404).refused(ErrorCode::NotFound);
    feed(&bench, &bobs).await.expect(200);
    for wrong in ["", "?token=", "?token=abc&more=1"] {
        let path = format!("{EVENTS}/calendar.ics{wrong}");
        bench.service.client().get(&path).await.expect(400).refused(ErrorCode::Validation);
    }
    let path = format!("{EVENTS}/calendar.ics?token=abc");
    bench.service.client().get(&path).await.expect(404).refused(ErrorCode::NotFound);
}

async fn the_secret_of_a_feed_is_kept_as_a_hash_only(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let made = link(&acme.ada, &acme).await;
    let db = bench.service.db("events");
    let hash: Vec<u8> = q!(db.read, scalar, "SELECT token_hash FROM calendar_link").unwrap();
    assert_eq!(hash.len(), 32);
    assert_ne!(hash, made.token.expose().as_bytes());
    assert!(!format!("{made:?}").contains(made.token.expose()));
    let kept: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM idempotency").unwrap();
    assert_eq!(kept, 0);
}

async fn who_leaves_an_organisation_takes_no_calendar_along(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    acme.event("APPROVED").await;
    let (adas, bobs) = (link(&acme.ada, &acme).await, link(&acme.bob, &acme).await);
    // At once, before anything is heard: auth is asked each time.
    bench.issuer.enroll(acme.id, acme.ada.id, None);
    feed(&bench, &adas).await.expect(404).refused(ErrorCode::NotFound);
    bench.publish(&OrganizationMemberLeft { organization: acme.id, user: acme.ada.id }).await;
    let db = bench.service.db("events");
    eventually(|| async {
        let links: i64 = q!(db.read, scalar, "SELECT COUNT(*) FROM calendar_link").unwrap();
        if links == 1 { Ok(()) } else { Err(links) }
    })
    .await;
    // Who comes back does not find the old secret good again.
    bench.issuer.enroll(acme.id, acme.ada.id, Some(OrganizationRole::Member));
    feed(&bench, &adas).await.expect(404).refused(ErrorCode::NotFound);
    feed(&bench, &bobs).await.expect(200);
    // While auth is away nobody is let in on trust.
    bench.issuer.silence(true);
    let away = feed(&bench, &bobs).await.expect(503);
    assert!(away.header("retry-after").is_some());
}

async fn what_people_write_stays_in_its_place(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let more = json!({
        "title": "Fair; with, everything \\ and more",
        "description": "One line.\r\nBEGIN:VALARM\r\nEND:VEVENT",
        "location": "Yard, behind; the house",
    });
    let event = acme.ada.make(with(fair(acme.id), more)).await;
    acme.ada.step(&event, "submit").await;
    acme.moderator.step(&event, "approve").await;
    let text = feed(&bench, &link(&acme.ada, &acme).await).await.expect(200).text().replace("\r\n ", "");
    let lines: Vec<&str> = text.split("\r\n").collect();
    for line in [
        "SUMMARY:Fair\\; with\\, everything \\\\ and more",
        "DESCRIPTION:One line.\\nBEGIN:VALARM\\nEND:VEVENT",
        "LOCATION:Yard\\, behind\\; the house",
    ] {
        assert!(lines.contains(&line), "{line}: {text}");
    }
    assert_eq!(lines.iter().filter(|line| line.starts_with("BEGIN:")).count(), 2);
    acme.ada.client.get(&at(&event, "")).await.expect(200);
}

on_both_engines!(
    a_feed_holds_what_is_approved_and_nothing_else,
    a_feed_holds_what_is_to_come_and_a_bounded_number,
    a_feed_is_of_one_person_who_can_end_it,
    the_secret_of_a_feed_is_kept_as_a_hash_only,
    who_leaves_an_organisation_takes_no_calendar_along,
    what_people_write_stays_in_its_place,
);

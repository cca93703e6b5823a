//! Full text, filters, order and pages: the same answers on both engines.

use crate::bench::{Bench, EVENTS, Organization, Person, at, fair, with};
use contract::ErrorCode;
use contract::events::Event;
use serde_json::{Value, json};
use testkit::{Engine, on_both_engines};

async fn make(bench: &Bench, who: &Person, acme: &Organization, title: &str, more: Value) -> Event {
    bench.pass(1);
    who.make(with(fair(acme.id), with(json!({"title": title}), more))).await
}

fn from(day: u8) -> Value {
    json!({"startDate": format!("2030-06-{day:02}T10:00:00Z"), "endDate": format!("2030-06-{day:02}T11:00:00Z")})
}

async fn words_are_found_from_their_beginning_all_of_them_and_without_accents(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let said = |text: &str| json!({ "description": text });
    for (title, description, day) in [
        ("Crème brûlée contest", "Four ramekins and a torch for everybody.", 1),
        ("Kitchen torch workshop", "How to caramelise crème brûlée and more.", 2),
        ("Straßenfest", "An outdoor party with lamps.", 3),
        ("Лампа и чай", "Вечер при свете лампы.", 4),
        ("Men's choir", "USB-C cables and 3.5 metres of song.", 5),
        ("東京タワー", "A slide show of the tower.", 6),
    ] {
        make(&bench, &acme.ada, &acme, title, with(said(description), from(day))).await;
    }
    let find = async |words: &str| acme.ada.titles(&format!("search={words}")).await;
    assert_eq!(find("creme").await, ["Crème brûlée contest", "Kitchen torch workshop"]);
    assert_eq!(find("CR%C3%88ME%20br").await.len(), 2);
    assert_eq!(find("torch%20contest").await, ["Crème brûlée contest"], "title and description");
    assert!(find("torch%20lamps").await.is_empty(), "all words");
    assert!(find("orch").await.is_empty(), "not from the middle");
    assert_eq!(find("strassen").await, ["Straßenfest"]);
    assert_eq!(find("stra%C3%9Fenf").await, ["Straßenfest"]);
    assert_eq!(find("%D0%BB%D0%B0%D0%BC").await, ["Лампа и чай"]);
    assert_eq!(find("mens").await, ["Men's choir"]);
    assert_eq!(find("3.5").await, ["Men's choir"]);
    assert_eq!(find("%E6%9D%B1%E4%BA%AC").await, ["東京タワー"]);
    // What means something to a query means nothing here.
    for words in
        ["creme%27%20OR%201=1", "%22creme", "creme*)", "title_words:creme", "%27:*%20|%20!a", "a%20NEAR%20b"]
    {
        acme.ada.client.get(&format!("{EVENTS}?search={words}")).await.expect(200);
    }
    assert_eq!(find("%22cr%C3%A8me%22*%20(").await.len(), 2);
    assert_eq!(acme.ada.titles("search=creme&sort=-title").await[0], "Kitchen torch workshop");
}

async fn what_is_changed_is_found_by_what_it_is_now(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    let event = acme.event("DRAFT").await;
    let find = async |words: &str| acme.ada.titles(&format!("search={words}")).await.len();
    assert_eq!((find("summer").await, find("tombola").await), (1, 1));
    let change = json!({"title": "Winter fair", "description": "Mulled wine and a fire."});
    acme.ada.change(&event, change).await.expect(200);
    assert_eq!((find("summer").await, find("tombola").await, find("winter%20fire").await), (0, 0, 1));
    acme.ada.step(&event, "submit").await;
    assert_eq!(find("winter").await, 1);
    acme.ada.client.delete(&at(&event, "")).await.expect(204);
    assert_eq!(find("winter").await, 0);
    // A word that one engine would leave out of its index is found by its beginning on both.
    let long = json!({"description": format!("{} end of it", "x".repeat(3_000))});
    make(&bench, &acme.ada, &acme, "Long", long).await;
    assert_eq!((find(&"x".repeat(100)).await, find("end%20of").await), (1, 1));
}

async fn events_are_filtered_by_status_creator_organisation_and_time(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    for (day, title) in [(1, "One"), (2, "Two"), (3, "Three")] {
        make(&bench, &acme.ada, &acme, title, from(day)).await;
    }
    let bobs = make(&bench, &acme.bob, &acme, "Bob's", from(4)).await;
    acme.bob.step(&bobs, "submit").await;
    let of = async |query: &str| acme.moderator.titles(query).await;
    assert_eq!(of("").await, ["One", "Two", "Three", "Bob's"]);
    assert_eq!(of("status=SUBMITTED").await, ["Bob's"]);
    assert_eq!(of(&format!("createdBy={}", acme.bob.id)).await, ["Bob's"]);
    assert_eq!(of(&format!("organizationId={}&status=DRAFT", acme.id)).await, ["One", "Two", "Three"]);
    assert_eq!(of("startDateFrom=2030-06-02T10:00:00Z").await, ["Two", "Three", "Bob's"]);
    assert_eq!(of("startDateTo=2030-06-02T10:00:00Z").await, ["One", "Two"]);
    assert_eq!(
        of("startDateFrom=2030-06-02T12:00:00%2B02:00&startDateTo=2030-06-03T23:00:00Z").await,
        ["Two", "Three"]
    );
    assert_eq!(
        of("search=stalls&status=DRAFT&startDateTo=2030-06-02T10:00:00Z&sort=-startDate").await,
        ["Two", "One"]
    );
}

async fn every_order_is_read_by_page_and_by_cursor_without_gap_or_repeat(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let acme = bench.organization();
    for (place, title) in ["ecru", "Ädam", "adam", "Zoo", "beta", "Éclair", "ecru"].iter().enumerate() {
        let day = 7 - u8::try_from(place).unwrap();
        let event = make(&bench, &acme.ada, &acme, title, from(day)).await;
        if place % 2 == 0 {
            acme.ada.step(&event, "submit").await;
        }
    }
    for order in
        ["startDate", "-startDate", "createdAt", "-createdAt", "title", "-title", "status", "-status"]
    {
        let whole: Vec<Event> =
            acme.moderator.client.get(&format!("{EVENTS}?sort={order}")).await.expect(200).data();
        assert_eq!(whole.len(), 7);
        let (mut by_page, mut by_cursor) = (Vec::new(), Vec::new());
        for page in 1..=3 {
            let path = format!("{EVENTS}?sort={order}&limit=3&page={page}");
            let answer = acme.moderator.client.get(&path).await.expect(200);
            assert_eq!(answer.json()["pagination"]["total"], 7);
            by_page.extend(answer.data::<Vec<Event>>());
        }
        let mut path = format!("{EVENTS}?sort={order}&limit=3");
        loop {
            let answer = acme.moderator.client.get(&path).await.expect(200);
            by_cursor.extend(answer.data::<Vec<Event>>());
            let next = answer.json()["pagination"]["cursor"].as_str().map(str::to_owned);
            let Some(next) = next else { break };
            path = format!("{EVENTS}?sort={order}&limit=3&cursor={next}");
            // The cursor of this order is none of another.
            let turned = order.strip_prefix('-').map_or_else(|| format!("-{order}"), str::to_owned);
            let other = format!("{EVENTS}?sort={turned}&cursor={next}");
            let refused = acme.moderator.client.get(&other).await.expect(400);
            refused.refused(ErrorCode::Validation);
        }
        assert_eq!(by_page, whole, "{order}");
        assert_eq!(by_cursor, whole, "{order}");
    }
    let titles = acme.moderator.titles("sort=title").await;
    assert_eq!(titles[2..], ["beta", "Éclair", "ecru", "ecru", "Zoo"]);
    let refused = acme.moderator.client.get(&format!("{EVENTS}?cursor=AAAA&page=2")).await.expect(400);
    refused.refused(ErrorCode::Validation);
}

on_both_engines!(
    words_are_found_from_their_beginning_all_of_them_and_without_accents,
    what_is_changed_is_found_by_what_it_is_now,
    events_are_filtered_by_status_creator_organisation_and_time,
    every_order_is_read_by_page_and_by_cursor_without_gap_or_repeat,
);

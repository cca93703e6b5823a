//! Handlers that fail: the key waits, others do not, and in the end there is a dead letter.

use super::house::{House, on_every_bus};

on_every_bus!(
    an_event_that_failed_is_tried_again_and_its_key_waits_and_no_other,
    an_event_that_fails_for_good_is_a_dead_letter_and_its_key_goes_on,
    a_handler_that_panics_or_takes_too_long_has_failed,
);

async fn an_event_that_failed_is_tried_again_and_its_key_waits_and_no_other(house: House) {
    house.sell("a", &[1], "fail 1").await;
    house.sell("a", &[2], "").await;
    house.sell("b", &[3], "").await;
    house.until("b", &[3]).await;
    let db = house.service.db("stats");
    testkit::eventually(|| async {
        let failed: i64 =
            chassis::q!(db.read, scalar, "SELECT count(*) FROM inbox WHERE cause = 'it went wrong'").unwrap();
        failed == 1
    })
    .await;
    assert!(house.counted("a").await.is_empty(), "nothing of a failed attempt stays, and the next one waits");
    house.pass_a_pause();
    house.until("a", &[1, 2]).await;
    let first = house.effects("stats").await.into_iter().find(|effect| effect.number == 1).unwrap();
    assert_eq!(first.attempt, 2);
}

async fn an_event_that_fails_for_good_is_a_dead_letter_and_its_key_goes_on(house: House) {
    house.sell("a", &[1], "fail 9").await;
    house.sell("a", &[2], "").await;
    let db = house.service.db("stats");
    for attempt in 1..3 {
        testkit::eventually(|| async {
            let sql = "SELECT CAST(failures AS TEXT) FROM inbox WHERE event_key = 'a' ORDER BY seq LIMIT 1";
            let failures: Option<(String,)> = chassis::q!(db.read, fetch_optional, sql).unwrap();
            let failures: Vec<serde_json::Value> = serde_json::from_str(&failures?.0).unwrap();
            (failures.len() == attempt).then_some(())
        })
        .await;
        house.pass_a_pause();
    }
    let letters = house.until_dead(1).await;
    house.until("a", &[2]).await;
    let letter = &letters[0];
    assert_eq!((letter.attempts, letter.cause.as_deref()), (3, Some("it went wrong")));
    let failures = letter.failures.as_array().unwrap();
    assert_eq!(failures.len(), 3, "{failures:?}");
    assert_eq!(failures[2]["error"], "it went wrong: the cause of it");
    assert_eq!(failures[2]["attempt"], 3);
    assert!(letter.body.contains("\"number\":1") && letter.ended_at.is_some());
}

async fn a_handler_that_panics_or_takes_too_long_has_failed(house: House) {
    house.sell("a", &[1], "panic").await;
    house.sell("b", &[2], "hang").await;
    house.sell("c", &[3], "reject").await;
    house.sell("d", &[4], "").await;
    house.until("d", &[4]).await;
    // One that is rejected is not tried again.
    let letters = house.until_dead(1).await;
    assert_eq!((letters[0].attempts, letters[0].cause.as_deref()), (1, Some("never")));
    let db = house.service.db("stats");
    testkit::eventually(|| async {
        let sql = "SELECT cause FROM inbox WHERE status = 'pending' AND cause IS NOT NULL ORDER BY event_key";
        let causes: Vec<(String,)> = chassis::q!(db.read, fetch_all, sql).unwrap();
        let causes: Vec<String> = causes.into_iter().map(|(cause,)| cause).collect();
        let expected = ["the handler panicked", "the handler took longer than 400 ms"];
        if causes == expected { Ok(()) } else { Err(causes) }
    })
    .await;
}

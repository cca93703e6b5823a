//! What a person does with dead letters.

use super::house::{House, on_every_bus};
use chassis::events::{Filter, ReplayError};
use chassis::http::Page;
use chassis::operator::{self, Operator};

on_every_bus!(
    a_dead_letter_is_replayed_as_it_was_and_edited,
    many_dead_letters_of_one_cause_are_replayed_together
);

fn ann() -> Operator {
    Operator { who: "ann".to_owned(), reason: "the bug is fixed".to_owned() }
}

async fn deeds(house: &House) -> Vec<operator::Deed> {
    operator::list(house.service.db("stats"), Page::new(1, 20)).await.unwrap()
}

async fn a_dead_letter_is_replayed_as_it_was_and_edited(house: House) {
    house.sell("a", &[1], "reject").await;
    let letters = house.dead_letters();
    let seq = house.until_dead(1).await[0].seq;
    letters.replay(seq, &ann()).await.unwrap();
    // It is what it was, so it is given up again, from its first attempt.
    let again = house.until_dead(1).await;
    assert_eq!((again[0].seq, again[0].attempts), (seq, 1));
    let nonsense = letters.edit_and_replay(seq, "{", &ann()).await;
    assert!(matches!(nonsense, Err(ReplayError::Data(_))), "{nonsense:?}");
    letters.edit_and_replay(seq, r#"{"item": "a", "number": 11, "trouble": ""}"#, &ann()).await.unwrap();
    house.until("a", &[11]).await;
    let absent = letters.replay(seq, &ann()).await;
    assert!(matches!(absent, Err(ReplayError::Absent(_))), "{absent:?}");
    let deeds = deeds(&house).await;
    let actions: Vec<&str> = deeds.iter().map(|deed| deed.action.as_str()).collect();
    assert_eq!(actions, ["event.edit_and_replay", "event.replay"], "what failed left no line");
    assert_eq!((deeds[0].who.as_str(), deeds[0].reason.as_str()), ("ann", "the bug is fixed"));
    assert!(deeds[0].detail["before"].as_str().unwrap().contains("reject"), "{deeds:?}");
}

async fn many_dead_letters_of_one_cause_are_replayed_together(house: House) {
    house.sell("a", &[1, 2, 3], "reject").await;
    house.until_dead(3).await;
    let letters = house.dead_letters();
    let causes = letters.causes().await.unwrap();
    assert_eq!(causes, [("count-sales".to_owned(), "never".to_owned(), 3)]);
    let of = |cause: &str| Filter { cause: Some(cause.to_owned()), handler: None };
    assert_eq!(letters.replay_many(&of("something else"), &ann()).await.unwrap(), 0);
    assert_eq!(letters.replay_many(&of("nev"), &ann()).await.unwrap(), 3);
    house.until_dead(3).await;
    let deeds = deeds(&house).await;
    assert_eq!(deeds[0].detail["count"], 3);
}

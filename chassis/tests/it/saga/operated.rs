//! What a person may do to a saga.

use super::sample::Before::{Fatal, Hang, Refuse, Retry};
use super::sample::{Agency, Script};
use crate::engines::on_both_engines;
use chassis::http::Page;
use chassis::operator::{self, Operator};
use chassis::saga::{Edit, NotAllowed, OperateError, Phase, Which};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

fn ann() -> Operator {
    Operator { who: "ann".to_owned(), reason: "the bank called".to_owned() }
}

on_both_engines! {
    async fn a_stuck_saga_is_retried_and_the_deed_is_on_record(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("ship", false, &[Fatal])])).await;
        let id = agency.one().await;
        agency.reaches(id, Phase::Stuck).await;
        let stuck = agency.sagas.list(Which::Stuck, None, None, 10).await.unwrap();
        assert_eq!(stuck.iter().map(|saga| saga.id).collect::<Vec<_>>(), [id]);
        agency.sagas.retry(&ann(), id).await.unwrap();
        agency.reaches(id, Phase::Done).await;
        let [deed] = operator::list(&agency.db, Page::new(1, 9)).await.unwrap().try_into().unwrap();
        assert_eq!((deed.who.as_str(), deed.action.as_str(), deed.subject), ("ann", "saga.retry", id.to_string()));
        assert_eq!(deed.detail["before"]["next"], "do ship");
        assert!(agency.log(id).await.contains(&"operator ship retry".to_owned()));
    }

    async fn an_undo_that_cannot_be_done_is_skipped(place: Arc<Place>) {
        let script = Script::of(&[("invoice", false, &[Refuse]), ("charge", true, &[Retry, Retry, Retry])]);
        let agency = Agency::with(&place, script).await;
        let id = agency.one().await;
        let stuck = agency.reaches_in_time(id, Phase::Stuck).await;
        assert_eq!(stuck.next().as_deref(), Some("undo charge"));
        agency.sagas.skip(&ann(), id).await.unwrap();
        agency.reaches(id, Phase::Compensated).await;
        assert_eq!((agency.seats().await, agency.bank.charged()), (1_000, 50));
        assert_eq!(agency.told().await.last().map(String::as_str), Some("compensated"));
    }

    async fn a_saga_whose_last_step_is_skipped_is_done_and_says_so(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("close", false, &[Fatal])])).await;
        let id = agency.one().await;
        agency.reaches(id, Phase::Stuck).await;
        agency.sagas.skip(&ann(), id).await.unwrap();
        agency.reaches(id, Phase::Done).await;
        assert_eq!(agency.told().await.last().map(String::as_str), Some("done"));
        let ended = agency.sagas.retry(&ann(), id).await;
        assert!(matches!(ended, Err(OperateError::NotAllowed(NotAllowed::Ended))));
    }

    async fn a_stuck_saga_is_compensated_as_long_as_it_may_turn_back(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("charge", false, &[Fatal]), ("close", false, &[Fatal])])).await;
        let id = agency.one().await;
        agency.reaches(id, Phase::Stuck).await;
        agency.sagas.compensate(&ann(), id).await.unwrap();
        let saga = agency.reaches(id, Phase::Compensated).await;
        assert!(saga.failure.unwrap().contains("the bank called"));
        agency.is_as_before().await;
        let too_late = agency.one().await;
        agency.reaches(too_late, Phase::Stuck).await;
        let refused = agency.sagas.compensate(&ann(), too_late).await;
        assert!(matches!(refused, Err(OperateError::NotAllowed(NotAllowed::NoReturn))));
        assert_eq!(operator::list(&agency.db, Page::new(1, 9)).await.unwrap().len(), 1);
    }

    async fn what_a_step_reads_can_be_corrected(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("charge", false, &[Fatal])])).await;
        let id = agency.one().await;
        agency.reaches(id, Phase::Stuck).await;
        let edit = Edit { params: Some(json!({ "seats": 2, "price": 40 })), memory: None };
        let edited = agency.sagas.edit(&ann(), id, edit).await.unwrap();
        assert_eq!((edited.state, edited.params["price"].as_i64()), (Phase::Stuck, Some(40)));
        agency.sagas.retry(&ann(), id).await.unwrap();
        agency.reaches(id, Phase::Done).await;
        assert_eq!(agency.bank.charged(), 40);
        let deeds = operator::list(&agency.db, Page::new(1, 9)).await.unwrap();
        assert_eq!(deeds.last().unwrap().detail["params"]["before"]["price"], 50);
    }

    async fn a_saga_that_is_worked_on_is_taken_away_and_its_open_step_undone(place: Arc<Place>) {
        let slow = Script::of(&[("charge", false, &[Hang])]);
        let agency = Agency::with(&place, slow.clone()).await;
        let id = agency.one().await;
        slow.reached.notified().await;
        agency.sagas.compensate(&ann(), id).await.unwrap();
        slow.go_on.notify_one();
        // Nobody goes on before the action that was under way must have ended.
        let saga = agency.get(id).await;
        assert_eq!((saga.state, saga.owner), (Phase::Compensating, None));
        assert!(saga.due_at > agency.clock.now());
        agency.clock.advance(Duration::from_secs(30));
        agency.reaches(id, Phase::Compensated).await;
        agency.is_as_before().await;
        assert_eq!(agency.bank.refunds(), 1);
    }

    async fn there_is_nothing_to_do_to_a_saga_that_is_not_there(place: Arc<Place>) {
        let agency = Agency::open(&place).await;
        let id = Uuid::now_v7();
        assert!(matches!(agency.sagas.skip(&ann(), id).await, Err(OperateError::Missing(missing)) if missing == id));
    }
}

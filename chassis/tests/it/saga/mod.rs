//! Sagas, on both engines.

mod measure;
mod operated;
mod sample;
mod scale;
mod telling;
mod trial;

use crate::engines::on_both_engines;
use chassis::saga::{Phase, StartError, Started};
use chassis::stop;
use sample::Before::{Fatal, Hang, HangAndWait, NoAnswer, Refuse, Retry, Wait};
use sample::{Agency, BookTrip, Script, Trip};
use std::time::Duration;
use testkit::eventually;
use uuid::Uuid;

const TRIP: Trip = Trip { seats: 2, price: 50 };

on_both_engines! {
    async fn a_saga_begins_with_the_commit_and_not_without(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        let (undone, done) = (Uuid::now_v7(), Uuid::now_v7());
        let mut t = agency.db.begin().await.unwrap();
        assert_eq!(agency.sagas.start::<BookTrip>(&mut t, undone, &TRIP).await.unwrap(), Started::Now);
        t.rollback().await.unwrap();
        let mut t = agency.db.begin().await.unwrap();
        assert_eq!(agency.sagas.start::<BookTrip>(&mut t, done, &TRIP).await.unwrap(), Started::Now);
        t.commit().await.unwrap();
        agency.reaches(done, Phase::Done).await;
        assert_eq!(agency.sagas.find(undone).await.unwrap(), None);
        assert_eq!((agency.seats().await, agency.bank.charged(), agency.invoices().await), (998, 50, 1));
        assert_eq!(agency.log(done).await, ["do reserve done", "do charge done", "do invoice done", "do ship done", "do close done"]);
        assert_eq!(agency.told().await, ["did reserve", "did charge", "did invoice", "did ship", "did close", "done"]);
    }

    async fn a_second_start_with_the_same_id_changes_nothing(place: Arc<Place>) {
        let agency = Agency::open(&place).await;
        let id = agency.start(TRIP).await;
        let mut t = agency.db.begin().await.unwrap();
        assert_eq!(agency.sagas.start::<BookTrip>(&mut t, id, &TRIP).await.unwrap(), Started::Before);
        let other = Trip { seats: 3, price: 50 };
        let taken = agency.sagas.start::<BookTrip>(&mut t, id, &other).await;
        assert!(matches!(taken, Err(StartError::Taken(taken)) if taken == id));
        t.commit().await.unwrap();
        assert_eq!(agency.get(id).await.params["seats"], 2);
    }

    async fn what_was_done_is_undone_in_reverse_when_a_step_refuses(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("invoice", false, &[Refuse])])).await;
        let id = agency.one().await;
        let saga = agency.reaches(id, Phase::Compensated).await;
        assert_eq!(saga.failure.as_deref(), Some("no, says the test"));
        let log = ["do reserve done", "do charge done", "do invoice refused", "undo charge done", "undo reserve done"];
        assert_eq!(agency.log(id).await, log);
        let told = agency.told().await;
        assert_eq!(told, ["did reserve", "did charge", "turned back: no, says the test", "undid charge", "undid reserve", "compensated"]);
        agency.is_as_before().await;
    }

    async fn a_first_step_that_refuses_leaves_nothing_to_undo(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        let id = agency.start(Trip { seats: 1_001, price: 1 }).await;
        let saga = agency.reaches(id, Phase::Compensated).await;
        assert_eq!(saga.failure.as_deref(), Some("sold out"));
        assert_eq!(agency.log(id).await, ["do reserve refused"]);
        agency.is_as_before().await;
    }

    async fn a_remote_step_of_which_no_answer_is_known_is_undone_too(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("charge", false, &[NoAnswer, NoAnswer, Retry])])).await;
        let id = agency.one().await;
        let saga = agency.reaches_in_time(id, Phase::Compensated).await;
        assert!(saga.failure.unwrap().contains("charge: as the test wants it"));
        let log = ["do reserve done", "do charge retry", "do charge retry", "do charge retry", "undo charge done", "undo reserve done"];
        assert_eq!(agency.log(id).await, log);
        assert_eq!(agency.bank.refunds(), 1);
        agency.is_as_before().await;
    }

    async fn a_remote_step_that_takes_too_long_is_tried_again_under_the_same_key(place: Arc<Place>) {
        let script = Script::of(&[("charge", false, &[NoAnswer])]);
        let agency = Agency::with(&place, script).await;
        let id = agency.one().await;
        agency.reaches_in_time(id, Phase::Done).await;
        assert_eq!(agency.bank.charged(), 50);
    }

    async fn a_local_step_that_fails_leaves_nothing_and_is_done_once(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("reserve", false, &[NoAnswer, Retry, NoAnswer])])).await;
        let id = agency.one().await;
        agency.reaches_in_time(id, Phase::Done).await;
        assert_eq!(agency.seats().await, 998);
    }

    async fn while_one_saga_pauses_others_go_on(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("reserve", false, &[Retry])])).await;
        let pausing = agency.one().await;
        agency.meets(pausing, |saga| saga.attempts == 1).await;
        let other = agency.one().await;
        agency.reaches(other, Phase::Done).await;
        let pausing = agency.get(pausing).await;
        assert_eq!((pausing.state, pausing.attempts, pausing.owner), (Phase::Running, 1, None));
        assert!(pausing.due_at >= agency.clock.now() + Duration::from_millis(100));
        agency.reaches_in_time(pausing.id, Phase::Done).await;
    }

    async fn behind_the_point_of_no_return_it_goes_forward_or_is_stuck(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("ship", false, &[Retry, NoAnswer]), ("close", false, &[Fatal])])).await;
        let id = agency.one().await;
        let saga = agency.reaches_in_time(id, Phase::Stuck).await;
        assert_eq!(saga.next().as_deref(), Some("do close"));
        assert!(saga.stuck_reason.unwrap().contains("close: as the test wants it"));
        assert_eq!((agency.bank.shipped(), agency.bank.charged(), agency.seats().await), (1, 50, 998));
        agency.clock.advance(Duration::from_secs(3_600));
        agency.one().await;
        assert_eq!(agency.get(id).await.state, Phase::Stuck);
    }

    async fn a_saga_past_its_deadline_turns_back(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("invoice", false, &[Wait, Wait])])).await;
        let id = agency.one().await;
        agency.meets(id, |saga| saga.step == "invoice" && saga.owner.is_none()).await;
        agency.clock.advance(Duration::from_secs(601));
        let saga = agency.reaches(id, Phase::Compensated).await;
        assert_eq!(saga.failure.as_deref(), Some("it was not done within its time"));
        agency.is_as_before().await;
    }

    async fn a_step_that_waits_goes_on_when_it_is_nudged(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[("invoice", false, &[Wait])])).await;
        let id = agency.one().await;
        let waits = agency.meets(id, |saga| saga.step == "invoice" && saga.owner.is_none()).await;
        assert_eq!((waits.state, waits.attempts), (Phase::Running, 0));
        let mut t = agency.db.begin().await.unwrap();
        assert!(agency.sagas.nudge(&mut t, id).await.unwrap());
        t.commit().await.unwrap();
        agency.reaches(id, Phase::Done).await;
    }

    async fn a_nudge_during_the_step_is_not_lost(place: Arc<Place>) {
        // The wait is decided, and then the nudge comes before the note of it.
        let script = Script::of(&[("charge", false, &[HangAndWait])]);
        let agency = Agency::with(&place, script.clone()).await;
        let id = agency.one().await;
        script.reached.notified().await;
        let mut t = agency.db.begin().await.unwrap();
        assert!(agency.sagas.nudge(&mut t, id).await.unwrap());
        t.commit().await.unwrap();
        script.go_on.notify_one();
        agency.reaches(id, Phase::Done).await;
    }

    async fn one_who_was_replaced_changes_nothing(place: Arc<Place>) {
        let slow = Script::of(&[("charge", false, &[Hang])]);
        let mut agency = Agency::with(&place, slow.clone()).await;
        let id = agency.one().await;
        slow.reached.notified().await;
        agency.hire(vec![agency.flow()]);
        agency.clock.advance(Duration::from_secs(20));
        agency.reaches(id, Phase::Done).await;
        let (before, log) = (agency.get(id).await, agency.log(id).await);
        slow.go_on.notify_one();
        // The slow one has come to an end when it has let go of the script's flow: stopping waits for that.
        agency.stopper.stop();
        while agency.workers.join_next().await.is_some() {}
        assert_eq!((agency.get(id).await, agency.log(id).await), (before, log));
        assert_eq!((agency.bank.charged(), agency.seats().await, agency.invoices().await), (50, 998, 1));
    }

    async fn a_step_that_an_owner_left_open_is_undone_when_the_next_one_is_refused(place: Arc<Place>) {
        let slow = Script::of(&[("charge", false, &[Hang])]);
        let mut agency = Agency::with(&place, slow.clone()).await;
        let id = agency.one().await;
        slow.reached.notified().await;
        agency.workers.abort_all();
        agency.hire(vec![agency.flow().disturbed(Script::of(&[("charge", false, &[Refuse])]))]);
        agency.clock.advance(Duration::from_secs(20));
        agency.reaches(id, Phase::Compensated).await;
        assert_eq!(agency.log(id).await, ["do reserve done", "do charge refused", "undo charge done", "undo reserve done"]);
        agency.is_as_before().await;
    }

    async fn a_worker_that_stops_finishes_the_step_and_hands_the_saga_on_at_once(place: Arc<Place>) {
        let slow = Script::of(&[("charge", false, &[Hang])]);
        let mut agency = Agency::with(&place, slow.clone()).await;
        let id = agency.one().await;
        slow.reached.notified().await;
        agency.stopper.stop();
        slow.go_on.notify_one();
        while agency.workers.join_next().await.is_some() {}
        let saga = agency.get(id).await;
        assert_eq!((saga.step.as_str(), saga.owner, saga.unsure), ("invoice", None, false));
        assert!(saga.due_at <= agency.clock.now());
        agency.stopper = stop::channel().0;
        agency.hire(vec![agency.flow()]);
        agency.reaches(id, Phase::Done).await;
    }

    async fn a_panic_is_a_failure_like_any_other(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        let id = agency.one().await;
        agency.reaches(id, Phase::Done).await;
        // Closing again panics in the step, which finds nothing to close.
        let db = &agency.db;
        chassis::q!(db.write, execute, "UPDATE saga SET state = 'running', step = 'close', done = '', due_at = created_at, owner = NULL").unwrap();
        let saga = agency.meets(id, |saga| saga.attempts == 1).await;
        assert!(saga.last_error.unwrap().contains("panicked"));
    }

    async fn correlation_and_trace_go_with_a_saga(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        let origin = chassis::telemetry::origin::Origin::caused_by(None, Some("order-17"));
        let trace = origin.trace.trace_id().to_string();
        let id = origin.scope(tracing::Span::none(), agency.one()).await;
        let saga = agency.reaches(id, Phase::Done).await;
        assert_eq!(saga.correlation_id.as_deref(), Some("order-17"));
        assert!(saga.traceparent.unwrap().contains(&trace));
        assert_eq!(agency.bank.origins(), [Some("order-17".to_owned())]);
    }

    async fn what_a_worker_does_not_know_it_leaves_alone(place: Arc<Place>) {
        let agency = Agency::with(&place, Script::of(&[])).await;
        let (newer, other) = (Uuid::now_v7(), Uuid::now_v7());
        let mut t = agency.db.begin().await.unwrap();
        for id in [newer, other] {
            assert_eq!(agency.sagas.start::<BookTrip>(&mut t, id, &TRIP).await.unwrap(), Started::Now);
        }
        chassis::q!(t.tx, execute, "UPDATE saga SET version = 2 WHERE id = $1", newer).unwrap();
        let plan = "UPDATE saga SET plan = 'reserve:local', step = 'reserve' WHERE id = $1";
        chassis::q!(t.tx, execute, plan, other).unwrap();
        t.commit().await.unwrap();
        let known = agency.one().await;
        agency.reaches(known, Phase::Done).await;
        let other = agency.meets(other, |saga| saga.fence > 0 && saga.owner.is_none()).await;
        assert_eq!((other.state, other.moves), (Phase::Running, 0));
        let newer = agency.get(newer).await;
        assert_eq!((newer.state, newer.fence), (Phase::Running, 0));
    }

    async fn several_workers_carry_out_each_of_many_sagas_once(place: Arc<Place>) {
        let mut agency = Agency::open(&place).await;
        for _ in 0..3 {
            agency.hire(vec![agency.flow()]);
        }
        for _ in 0..100 {
            agency.one().await;
        }
        eventually(|| async {
            let db = &agency.db;
            let open: i64 = chassis::q!(db.read, scalar, "SELECT count(*) FROM saga WHERE state <> 'done'").unwrap();
            if open == 0 { Ok(()) } else { Err(open) }
        })
        .await;
        assert_eq!((agency.seats().await, agency.bank.charged(), agency.invoices().await), (800, 5_000, 100));
        assert_eq!(agency.bank.shipped(), 100);
    }
}

//! Jobs, on both engines.

mod crew;
mod operated;
mod scale;

use crate::engines::{Place, on_both_engines};
use chassis::clock::Clock;
use chassis::jobs::{Job, JobStatus, JobsConfig, Retry, When};
use crew::{Crew, How, Print, ROUND, THREE, Write};
use std::sync::atomic::Ordering;
use std::time::Duration;
use testkit::eventually;

fn is_done(job: &chassis::jobs::JobRecord) -> bool {
    job.status == JobStatus::Done
}

/// The first worker goes on with its run when another has done the job.
async fn wake_up_late(crew: &mut Crew, how: How) {
    let id = crew.queue(Print(how)).await;
    crew.gate.reached.notified().await;
    crew.hire();
    crew.clock.advance(Duration::from_secs(16));
    let done = crew.meets(id, is_done).await;
    // What it noted now would have another time.
    crew.clock.advance(Duration::from_secs(1));
    crew.gate.go_on.notify_one();
    crew.dismiss().await;
    assert_eq!(crew.gate.left.load(Ordering::SeqCst), 1, "it has gone on");
    assert_eq!(crew.get(id).await, done);
}

/// On SQLite there is one writer at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_another_holds_is_passed_by_on_postgres() {
    let Some(place) = Place::postgres() else { return };
    let test = async |place: std::sync::Arc<Place>| {
        let mut crew = Crew::open(&place).await;
        let (held, free) = (crew.queue(Print(How::Well)).await, crew.queue(Print(How::Well)).await);
        let mut t = crew.db.begin().await.unwrap();
        chassis::q!(t.tx, execute, "UPDATE job SET fence = fence WHERE id = $1", held).unwrap();
        crew.hire();
        crew.meets(free, is_done).await;
        t.rollback().await.unwrap();
        crew.meets(held, is_done).await;
    };
    place.run(test).await;
}

on_both_engines! {
    async fn a_queued_job_is_done_when_its_transaction_commits_and_not_otherwise(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let mut t = crew.db.begin().await.unwrap();
        let undone = crew.jobs.enqueue(&mut t, &Print(How::Well), When::Now).await.unwrap();
        t.rollback().await.unwrap();
        let done = crew.queue(Print(How::Well)).await;
        let job = crew.meets(done, is_done).await;
        assert_eq!((job.attempts, job.last_error, job.payload.is_null()), (1, None, true));
        assert!(crew.jobs.find(undone).await.unwrap().is_none());
        assert_eq!(crew.printed(), 1);
    }

    async fn a_job_that_is_due_later_waits_for_its_time(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let mut t = crew.db.begin().await.unwrap();
        let later = crew.jobs.enqueue(&mut t, &Print(How::Well), When::In(Duration::from_secs(60))).await.unwrap();
        t.commit().await.unwrap();
        let now = crew.queue(Print(How::Well)).await;
        crew.meets(now, is_done).await;
        assert_eq!(crew.get(later).await.status, JobStatus::Waiting);
        crew.clock.advance(Duration::from_secs(61));
        crew.meets(later, is_done).await;
    }

    async fn a_job_in_a_transaction_takes_effect_once_although_its_first_try_failed(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let id = crew.queue(Write(How::FailOnce)).await;
        let waits = crew.meets(id, |job| job.attempts == 1 && job.status == JobStatus::Waiting).await;
        assert_eq!((waits.last_outcome.as_deref(), crew.lines().await), (Some("retry"), 0));
        assert!(waits.due_at >= crew.clock.now() + THREE.first);
        let done = crew.meets_in_time(id, is_done).await;
        assert_eq!((done.attempts, crew.lines().await), (2, 1));
    }

    async fn a_run_that_was_replaced_commits_nothing(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let id = crew.queue(Write(How::BeReplaced)).await;
        // It has written its line, finds another's fence, and leaves no trace.
        let mark = crew.queue(Print(How::Well)).await;
        crew.meets(mark, is_done).await;
        crew.meets(id, |job| job.attempts == 1 && job.status == JobStatus::Running).await;
        let done = crew.meets_in_time(id, is_done).await;
        assert_eq!((done.attempts, crew.lines().await), (2, 1));
    }

    async fn a_job_that_keeps_failing_is_kept_with_its_error(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let id = crew.queue(Print(How::Fail)).await;
        let failed = crew.meets_in_time(id, |job| job.status == JobStatus::Failed).await;
        assert_eq!((failed.attempts, failed.last_error.as_deref()), (3, Some("cannot print: no paper")));
        assert!(!failed.payload.is_null(), "what it was given is needed to try again");
    }

    async fn a_hopeless_job_is_not_tried_again(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let id = crew.queue(Write(How::GiveUp)).await;
        let failed = crew.meets(id, |job| job.status == JobStatus::Failed).await;
        assert_eq!((failed.attempts, failed.last_error.as_deref()), (1, Some("no such printer")));
        assert_eq!(crew.lines().await, 0);
    }

    async fn what_cannot_be_read_is_given_up_at_once(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let mut t = crew.db.begin().await.unwrap();
        let id = crew.jobs.enqueue(&mut t, &Print(How::Well), When::Now).await.unwrap();
        let other = chassis::db::sqlx::types::Json(serde_json::json!({ "of": "another release" }));
        chassis::q!(t.tx, execute, "UPDATE job SET payload = $2 WHERE id = $1", id, &other).unwrap();
        t.commit().await.unwrap();
        let failed = crew.meets(id, |job| job.status == JobStatus::Failed).await;
        assert!(failed.last_error.unwrap().starts_with("what was queued cannot be read"));
    }

    async fn a_panic_is_a_failure_like_any_other(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        for id in [crew.queue(Print(How::Panic)).await, crew.queue(Write(How::Panic)).await] {
            let waits = crew.meets(id, |job| job.attempts == 1 && job.status == JobStatus::Waiting).await;
            assert_eq!(waits.last_error.as_deref(), Some("the job panicked: on fire"));
        }
        assert_eq!(crew.lines().await, 0);
        let other = crew.queue(Print(How::Well)).await;
        crew.meets(other, is_done).await;
    }

    async fn a_run_that_takes_too_long_has_failed(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let hang = Job::queued(|_: Print, _| std::future::pending()).deadline(Duration::from_millis(50));
        crew.hire_for(vec![hang.retry(THREE)]);
        let id = crew.queue(Print(How::Well)).await;
        let waits = crew.meets(id, |job| job.attempts == 1 && job.status == JobStatus::Waiting).await;
        assert_eq!(waits.last_error.as_deref(), Some("the job took longer than 50ms"));
    }

    async fn a_job_whose_worker_died_is_done_by_another_after_the_lease(place: Arc<Place>) {
        let mut crew = Crew::at_work(&place).await;
        let id = crew.queue(Print(How::HangOnce)).await;
        crew.gate.reached.notified().await;
        crew.workers.abort_all();
        crew.hire();
        let mark = crew.queue(Print(How::Well)).await;
        crew.meets(mark, is_done).await;
        assert_eq!(crew.get(id).await.attempts, 1, "it is still the dead one's");
        crew.clock.advance(Duration::from_secs(16));
        let done = crew.meets(id, is_done).await;
        assert_eq!((done.attempts, done.fence), (2, 2));
    }

    async fn a_task_that_ends_its_process_each_time_is_given_up(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let id = crew.queue(Write(How::Hang)).await;
        for _ in 0..THREE.tries {
            crew.hire();
            crew.gate.reached.notified().await;
            crew.workers.abort_all();
            while crew.workers.join_next().await.is_some() {}
            crew.clock.advance(Duration::from_secs(16));
        }
        crew.hire();
        let failed = crew.meets(id, |job| job.status == JobStatus::Failed).await;
        assert_eq!(failed.last_error.as_deref(), Some("the process ended during the last try"));
        assert_eq!((failed.fence, crew.lines().await), (4, 0));
    }

    async fn a_run_is_told_in_its_own_transactions_whether_it_was_replaced(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        let db = crew.db.clone();
        let asks = Job::queued(move |_: Print, run: chassis::jobs::Run| {
            let (db, tell) = (db.clone(), tell.clone());
            async move {
                let mut t = db.begin().await?;
                let before = run.holds(&mut t).await?;
                if run.attempt == 1 {
                    let id = run.id;
                    chassis::q!(t.tx, execute, "UPDATE job SET fence = fence + 1 WHERE id = $1", id)?;
                }
                tell.send((run.attempt, before, run.holds(&mut t).await?))?;
                t.commit().await?;
                Ok(())
            }
        });
        crew.hire_for(vec![asks.retry(THREE)]);
        let id = crew.queue(Print(How::Well)).await;
        assert_eq!(told.recv().await.unwrap(), (1, true, false));
        let done = crew.meets_in_time(id, is_done).await;
        assert_eq!((done.attempts, done.fence), (2, 3));
        assert_eq!(told.recv().await.unwrap(), (2, true, true));
    }

    async fn a_job_that_notes_in_its_own_transaction_that_it_is_done_is_done_once(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let db = crew.db.clone();
        let writes = Job::queued(move |_: Print, run: chassis::jobs::Run| {
            let db = db.clone();
            async move {
                let mut t = db.begin().await?;
                chassis::q!(t.tx, execute, "INSERT INTO line (job) VALUES ($1)", run.id)?;
                if run.attempt == 1 {
                    chassis::q!(t.tx, execute, "UPDATE job SET fence = fence + 1 WHERE id = $1", run.id)?;
                }
                match run.complete(&mut t).await? {
                    true => t.commit().await?,
                    false => t.rollback().await?,
                }
                Err(anyhow::anyhow!("what follows its commit is of no account").into())
            }
        });
        crew.hire_for(vec![writes.retry(THREE)]);
        let id = crew.queue(Print(How::Well)).await;
        let done = crew.meets_in_time(id, is_done).await;
        assert_eq!((done.attempts, done.last_error, crew.lines().await), (2, None, 1));
        crew.dismiss().await;
        assert!(is_done(&crew.get(id).await));
    }

    async fn a_worker_that_wakes_up_late_changes_nothing(place: Arc<Place>) {
        wake_up_late(&mut Crew::at_work(&place).await, How::HangOnce).await;
    }

    async fn a_worker_that_fails_late_changes_nothing(place: Arc<Place>) {
        wake_up_late(&mut Crew::at_work(&place).await, How::HangOnceAndFail).await;
    }

    async fn a_run_that_was_replaced_is_stopped_in_the_middle(place: Arc<Place>) {
        let config = JobsConfig { lease_ms: 300, ..JobsConfig::default() };
        let mut crew = Crew::open_with(&place, Clock::manual(chassis::clock::Ts::from_secs(1_000_000)), config).await;
        crew.hire();
        let id = crew.queue(Print(How::HangOnce)).await;
        crew.gate.reached.notified().await;
        crew.hire();
        crew.clock.advance(Duration::from_secs(1));
        crew.meets(id, is_done).await;
        eventually(|| async { crew.gate.left.load(Ordering::SeqCst) == 1 }).await;
        assert_eq!(crew.printed(), 1, "the one who was stopped did not come to the end");
    }

    async fn a_long_run_keeps_its_lease(place: Arc<Place>) {
        let config = JobsConfig { lease_ms: 300, ..JobsConfig::default() };
        let mut crew = Crew::open_with(&place, Clock::system(), config).await;
        crew.hire();
        crew.hire();
        let id = crew.queue(Print(How::HangOnce)).await;
        crew.gate.reached.notified().await;
        let first = crew.get(id).await.due_at;
        crew.meets(id, |job| job.due_at.since(first) >= Duration::from_millis(900)).await;
        crew.gate.go_on.notify_one();
        let done = crew.meets(id, is_done).await;
        assert_eq!((done.attempts, done.fence, crew.printed()), (1, 1, 1));
    }

    async fn a_worker_that_stops_finishes_what_it_has_in_hand(place: Arc<Place>) {
        let mut crew = Crew::at_work(&place).await;
        let id = crew.queue(Print(How::HangOnce)).await;
        crew.gate.reached.notified().await;
        crew.stopper.stop();
        let early = tokio::time::timeout(Duration::from_millis(300), crew.workers.join_next()).await;
        assert!(early.is_err(), "it has left what it has in hand");
        crew.gate.go_on.notify_one();
        crew.dismiss().await;
        assert!(is_done(&crew.get(id).await));
        assert_eq!(crew.gate.left.load(Ordering::SeqCst), 1);
    }

    async fn a_key_that_waits_already_stands_for_both(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let mut t = crew.db.begin().await.unwrap();
        let first = crew.jobs.enqueue_once(&mut t, "a", &Print(How::Well), When::Now).await.unwrap().unwrap();
        assert_eq!(crew.jobs.enqueue_once(&mut t, "a", &Print(How::Well), When::Now).await.unwrap(), None);
        let other = crew.jobs.enqueue_once(&mut t, "b", &Print(How::Well), When::Now).await.unwrap().unwrap();
        t.commit().await.unwrap();
        crew.hire();
        crew.meets(first, is_done).await;
        crew.meets(other, is_done).await;
        let mut t = crew.db.begin().await.unwrap();
        let again = crew.jobs.enqueue_once(&mut t, "a", &Print(How::Well), When::Now).await.unwrap();
        t.commit().await.unwrap();
        crew.meets(again.unwrap(), is_done).await;
        assert_eq!(crew.printed(), 3);
    }

    async fn what_a_worker_does_not_know_it_leaves_alone(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        crew.hire_for_rounds();
        let unknown = crew.queue(Print(How::Well)).await;
        crew.rests_after(1).await;
        assert_eq!(crew.get(unknown).await.fence, 0);
        crew.hire();
        crew.meets(unknown, is_done).await;
    }

    async fn many_workers_do_each_of_many_jobs_once(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        for _ in 0..3 {
            crew.hire();
        }
        let mut t = crew.db.begin().await.unwrap();
        for _ in 0..100 {
            crew.jobs.enqueue(&mut t, &Write(How::Well), When::Now).await.unwrap();
            crew.jobs.enqueue(&mut t, &Print(How::Well), When::Now).await.unwrap();
        }
        t.commit().await.unwrap();
        eventually(|| async {
            let db = &crew.db;
            let open: i64 = chassis::q!(db.read, scalar, "SELECT count(*) FROM job WHERE status <> 'done'").unwrap();
            if open == 0 { Ok(()) } else { Err(open) }
        })
        .await;
        assert_eq!((crew.lines().await, crew.printed()), (100, 100));
    }

    async fn one_of_all_instances_makes_each_round(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        for _ in 0..3 {
            crew.hire_for_rounds();
        }
        crew.rests_after(1).await;
        for made in 2..5 {
            crew.clock.advance(ROUND + Duration::from_secs(1));
            crew.rests_after(made).await;
        }
        let round = crew.round().await;
        assert_eq!((round.fence, round.last_outcome.as_deref()), (4, Some("done")));
        assert_eq!(round.due_at, round.started_at.unwrap() + ROUND);
    }

    async fn rounds_that_were_missed_are_one(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        crew.hire_for_rounds();
        crew.rests_after(1).await;
        crew.dismiss().await;
        crew.clock.advance(ROUND * 10);
        crew.hire_for_rounds();
        crew.rests_after(2).await;
    }

    async fn a_round_that_takes_longer_than_its_period_is_not_made_twice_at_once(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        crew.round_gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        crew.hire_for_rounds();
        crew.hire_for_rounds();
        eventually(|| async { crew.rounds.load(Ordering::SeqCst) == 1 }).await;
        // Within the lease: the period has passed, the round has not ended.
        let db = &crew.db;
        chassis::q!(db.write, execute, "UPDATE job SET every_micros = 1 WHERE name = 'round'").unwrap();
        crew.clock.advance(Duration::from_secs(10));
        let mark = std::sync::Arc::new(tokio::sync::Notify::new());
        let seen = mark.clone();
        crew.hire_for(vec![Job::every("mark", ROUND, move |_| {
            seen.notify_one();
            std::future::ready(Ok(()))
        })]);
        mark.notified().await;
        assert_eq!(crew.rounds.load(Ordering::SeqCst), 1);
        crew.round_gate.add_permits(1);
        eventually(|| async { crew.round().await.last_outcome.is_some() }).await;
    }

    async fn a_round_that_fails_is_tried_again_and_comes_again(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let tries = crew.rounds.clone();
        let fails = Job::every("round", ROUND, move |_| {
            let tries = tries.fetch_add(1, Ordering::SeqCst);
            let failed = anyhow::anyhow!("round {tries} went wrong");
            std::future::ready(Err(failed.into()))
        });
        let retry = Retry { tries: 2, first: Duration::from_secs(1), longest: Duration::from_secs(1) };
        crew.hire_for(vec![fails.retry(retry).jitter(Duration::ZERO)]);
        let id = eventually(|| async {
            crew.jobs.list(chassis::jobs::Which::Periodic, None, 9).await.unwrap().pop()
        })
        .await
        .id;
        crew.meets(id, |job| job.last_outcome.as_deref() == Some("retry")).await;
        crew.clock.advance(Duration::from_secs(3));
        let failed = crew.meets(id, |job| job.last_outcome.as_deref() == Some("failed")).await;
        assert_eq!((failed.status, failed.attempts), (JobStatus::Waiting, 0));
        assert_eq!(failed.last_error.as_deref(), Some("round 1 went wrong"));
        assert_eq!(failed.due_at, failed.started_at.unwrap() + ROUND);
        crew.clock.advance(ROUND);
        eventually(|| async { crew.rounds.load(Ordering::SeqCst) >= 3 }).await;
    }

    async fn a_period_that_was_made_shorter_holds_at_once(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let day = Duration::from_secs(86_400);
        crew.hire_for(vec![Job::every("round", day, |_| std::future::ready(Ok(()))).jitter(Duration::ZERO)]);
        let id = eventually(|| async {
            crew.jobs.list(chassis::jobs::Which::Periodic, None, 9).await.unwrap().pop()
        })
        .await
        .id;
        crew.meets(id, |job| job.last_outcome.is_some()).await;
        crew.dismiss().await;
        crew.hire_for_rounds();
        let planned = crew.meets(id, |job| job.every() == Some(ROUND)).await;
        assert!(planned.due_at <= crew.clock.now() + ROUND);
    }

    async fn correlation_and_trace_go_with_a_job(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
        crew.hire_for(vec![Job::queued(move |_: Print, _| {
            let origin = chassis::telemetry::origin::Origin::current().map(|origin| origin.correlation_id.to_string());
            tell.send(origin).unwrap();
            std::future::ready(Ok(()))
        })]);
        let origin = chassis::telemetry::origin::Origin::caused_by(None, Some("order-17"));
        origin.scope(tracing::Span::none(), crew.queue(Print(How::Well))).await;
        assert_eq!(told.recv().await.unwrap().as_deref(), Some("order-17"));
    }
}

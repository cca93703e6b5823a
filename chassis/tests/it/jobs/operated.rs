//! What a person may do to jobs, and what they see.

use super::crew::{Crew, How, Print, Write, ann};
use crate::engines::on_both_engines;
use chassis::http::Page;
use chassis::jobs::{JobStatus, OperateError, Which};
use chassis::operator;
use std::time::Duration;
use testkit::eventually;
use uuid::Uuid;

/// The operator log: what was done to which job, the newest first.
async fn deeds(crew: &Crew) -> Vec<(String, String)> {
    let deeds = operator::list(&crew.db, Page::new(1, 9)).await.unwrap();
    deeds.into_iter().map(|deed| (deed.action, deed.subject)).collect()
}

on_both_engines! {
    async fn a_failed_job_is_tried_again_and_the_deed_is_on_record(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let id = crew.queue(Print(How::Fail)).await;
        crew.meets_in_time(id, |job| job.status == JobStatus::Failed).await;
        let failed = crew.jobs.list(Which::Failed, None, 10).await.unwrap();
        assert_eq!(failed.iter().map(|job| job.id).collect::<Vec<_>>(), [id]);
        crew.jobs.retry(&ann(), id).await.unwrap();
        crew.meets(id, |job| job.fence == 4).await;
        crew.meets_in_time(id, |job| job.status == JobStatus::Failed && job.fence == 6).await;
        assert_eq!(crew.jobs.retry_failed(&ann(), "print").await.unwrap(), 1);
        let deeds = operator::list(&crew.db, Page::new(1, 9)).await.unwrap();
        let actions: Vec<_> = deeds.iter().map(|deed| (deed.action.as_str(), deed.subject.as_str())).collect();
        assert_eq!(actions, [("job.retry_failed", "print"), ("job.retry", id.to_string().as_str())]);
        assert_eq!(deeds[1].detail["error"], "cannot print: no paper");
    }

    async fn a_job_that_is_discarded_is_gone_and_a_done_one_stays(place: Arc<Place>) {
        let crew = Crew::at_work(&place).await;
        let (failed, done) = (crew.queue(Write(How::GiveUp)).await, crew.queue(Write(How::Well)).await);
        crew.meets(failed, |job| job.status == JobStatus::Failed).await;
        crew.meets(done, |job| job.status == JobStatus::Done).await;
        crew.jobs.discard(&ann(), failed).await.unwrap();
        assert!(crew.jobs.find(failed).await.unwrap().is_none());
        let refused = crew.jobs.discard(&ann(), done).await;
        assert!(matches!(refused, Err(OperateError::NotAllowed(JobStatus::Done))));
        let missing = crew.jobs.retry(&ann(), Uuid::now_v7()).await;
        assert!(matches!(missing, Err(OperateError::Missing(_))));
        assert_eq!(deeds(&crew).await, [("job.discard".to_owned(), failed.to_string())]);
    }

    async fn a_periodic_job_is_run_when_somebody_asks_for_it(place: Arc<Place>) {
        let mut crew = Crew::open(&place).await;
        crew.hire_for_rounds();
        crew.rests_after(1).await;
        crew.jobs.run_now(&ann(), "round").await.unwrap();
        crew.rests_after(2).await;
        assert_eq!(deeds(&crew).await, [("job.run".to_owned(), "round".to_owned())]);
        let missing = crew.jobs.run_now(&ann(), "print").await;
        assert!(matches!(missing, Err(OperateError::Missing(name)) if name == "print"));
        let id = crew.round().await.id;
        assert!(matches!(crew.jobs.discard(&ann(), id).await, Err(OperateError::Periodic)));
    }

    async fn the_board_tells_how_the_jobs_stand(place: Arc<Place>) {
        let mut crew = Crew::at_work(&place).await;
        crew.hire_for_rounds();
        crew.rests_after(1).await;
        let failed = crew.queue(Print(How::GiveUp)).await;
        crew.meets(failed, |job| job.status == JobStatus::Failed).await;
        crew.dismiss().await;
        crew.queue(Print(How::Well)).await;
        crew.clock.advance(Duration::from_secs(90));
        // An instance that knows the job of the round only, and tells of all queued ones.
        crew.round_gate = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
        crew.hire_for_rounds();
        let lines = eventually(|| async {
            let lines = crew.board.read();
            let is_known = lines.iter().any(|line| line.name == "print" && line.failed == 1 && line.waiting == 1);
            if is_known { Ok(lines) } else { Err(lines) }
        })
        .await;
        let [print, round] = lines.try_into().unwrap();
        assert_eq!((print.service.as_str(), print.overdue_seconds, print.periodic), ("test", 90, None));
        let periodic = round.periodic.unwrap();
        assert_eq!((round.name.as_str(), periodic.every_seconds), ("round", 60.0));
        assert_eq!(periodic.last_outcome.as_deref(), Some("done"));
    }
}

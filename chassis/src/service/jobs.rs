//! The work behind a service's jobs, and the jobs that every service with a database has.

use super::{Context, Worker};
use crate::jobs::Job;
use std::time::Duration;

/// How often what was kept long enough is removed.
const SWEEP_EVERY: Duration = Duration::from_secs(3_600);

impl Context {
    /// The worker for its own jobs and for those of the chassis; none without a database, or where jobs are not carried out.
    pub(crate) fn jobs_worker(&self, mut own: Vec<Job>) -> anyhow::Result<Option<Worker>> {
        let (Some(jobs), Some(mailer)) = (self.jobs.clone(), self.mailer.clone()) else {
            anyhow::ensure!(
                own.is_empty(),
                "{} has jobs and declares no database in its SPEC, where they are kept",
                self.spec.name
            );
            return Ok(None);
        };
        if !jobs.are_carried_out_here() {
            return Ok(None);
        }
        let swept = jobs.clone();
        own.push(Job::every("sweep-jobs", SWEEP_EVERY, move |run| {
            let jobs = swept.clone();
            async move {
                let removed = jobs.sweep(&run).await?;
                tracing::debug!(removed, "old jobs removed");
                Ok(())
            }
        }));
        own.push(Job::every("sweep-mail", SWEEP_EVERY, move |_| {
            let mailer = mailer.clone();
            async move {
                let removed = mailer.sweep().await?;
                tracing::debug!(removed, "old mail removed");
                Ok(())
            }
        }));
        Ok(Some(Worker::new("jobs", |stop| async move { jobs.run(own, stop).await })))
    }
}

//! The worker: takes due jobs by lease and carries several out at once.

use super::carry::Carrier;
use super::job::{self, Job};
use super::{Jobs, store, watch};
use crate::db::DbError;
use crate::stop::Stop;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

/// Under load jobs are taken together rather than one by one: so long after the last time at the earliest.
const BETWEEN_LOOKS: Duration = Duration::from_millis(4);
/// After a look that found something due which another worker took.
const LOST_RACE: Duration = Duration::from_millis(20);
/// After a look that failed.
const PAUSE: Duration = Duration::from_millis(250);

impl Jobs {
    /// Carries out these jobs until the process stops; runs in hand are finished. Any number of processes may do so. Jobs
    /// that are not in the list are left for others.
    ///
    /// # Errors
    /// At once when a job is not declared well.
    pub async fn run(&self, jobs: Vec<Job>, stop: Stop) -> anyhow::Result<()> {
        let list: Vec<Arc<Job>> = jobs.into_iter().map(Arc::new).collect();
        job::check(&list)?;
        if list.is_empty() {
            stop.stopping().await;
            return Ok(());
        }
        let mut worker = Worker {
            jobs: self,
            owner: Uuid::new_v4(),
            room: Arc::new(Semaphore::new(self.0.config.concurrency as usize)),
            names: list.iter().map(|job| job.name).collect(),
            list,
            first: 0,
            is_planned: false,
            carrying: JoinSet::new(),
        };
        let names = worker.names.clone();
        tokio::join!(worker.work(&stop), watch::watch(self, &names, &stop));
        Ok(())
    }
}

struct Worker<'a> {
    jobs: &'a Jobs,
    owner: Uuid,
    list: Vec<Arc<Job>>,
    names: Vec<&'static str>,
    /// Which job is asked for first next time, so that none waits for another.
    first: usize,
    /// Whether the periodic jobs have their rows.
    is_planned: bool,
    /// Places for queued jobs.
    room: Arc<Semaphore>,
    carrying: JoinSet<()>,
}

impl Worker<'_> {
    async fn work(&mut self, stop: &Stop) {
        let queued = self.jobs.0.queued.clone();
        let mut is_away = false;
        while !stop.is_stopping() {
            // From here on a wake is not lost: it is waited for below.
            let mut woken = std::pin::pin!(queued.woken());
            woken.as_mut().enable();
            let looked = Instant::now();
            let wait = match self.look(stop).await {
                Ok(wait) => {
                    is_away = false;
                    wait
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_away, true) {
                        tracing::warn!(%error, "jobs cannot be taken; this is tried again");
                    }
                    PAUSE
                }
            };
            tokio::select! {
                () = woken => {}
                () = sleep(wait) => {}
                Some(ended) = self.carrying.join_next() => Self::note(ended),
                () = stop.stopping() => break,
            }
            tokio::select! {
                () = sleep_until(looked + BETWEEN_LOOKS) => {}
                () = stop.stopping() => {}
            }
            while let Some(ended) = self.carrying.try_join_next() {
                Self::note(ended);
            }
        }
        while let Some(ended) = self.carrying.join_next().await {
            Self::note(ended);
        }
    }

    /// Takes what is due and says how long to wait for the next look.
    async fn look(&mut self, stop: &Stop) -> Result<Duration, DbError> {
        let inner = &self.jobs.0;
        if !self.is_planned {
            for job in &self.list {
                if let Some(every) = job.every {
                    store::plan(&inner.db, job.name, every, inner.clock.now()).await?;
                }
            }
            self.is_planned = true;
        }
        let due: HashMap<_, _> = store::next_due(&inner.db, &self.names).await?.into_iter().collect();
        let mut wait = inner.config.poll();
        self.first = self.first.wrapping_add(1);
        for place in 0..self.list.len() {
            let job = &self.list[(place + self.first) % self.list.len()];
            let (Some(due), now) = (due.get(job.name), inner.clock.now()) else { continue };
            if stop.is_stopping() {
                break;
            }
            if *due > now {
                wait = wait.min(due.since(now) + Duration::from_millis(1));
                continue;
            }
            let room = if job.every.is_some() { 1 } else { self.room.available_permits() };
            if room == 0 {
                // The end of a run is the next occasion.
                continue;
            }
            let claim = store::Claim {
                name: job.name,
                owner: self.owner,
                now,
                lease: now + job.lease(inner.config.lease()),
                most: i64::try_from(room).unwrap_or(i64::MAX),
            };
            let claimed = store::claim(&inner.db, &claim).await?;
            wait = match claimed.len() {
                0 => wait.min(LOST_RACE),
                all if all == room => wait.min(BETWEEN_LOOKS),
                _ => wait,
            };
            for record in claimed {
                let place = job.every.is_none().then(|| Arc::clone(&self.room).try_acquire_owned().ok());
                let carrier = Carrier::new(self.jobs.clone(), Arc::clone(job), record, stop.clone());
                self.carrying.spawn(async move {
                    carrier.carry().await;
                    drop(place);
                });
            }
        }
        Ok(wait)
    }

    fn note(ended: Result<(), JoinError>) {
        if let Err(error) = ended {
            tracing::error!(%error, "the run of a job ended unnoted; it is taken up again when its lease is over");
        }
    }
}

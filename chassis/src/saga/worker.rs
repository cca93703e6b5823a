//! The worker: takes due sagas by lease and carries several out at once.

use super::carry::{Carried, Carrier};
use super::erased::{Flow, check};
use super::{Sagas, store, watch};
use crate::clock::Ts;
use crate::db::{DbError, Engine};
use crate::stop::Stop;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use uuid::Uuid;

/// Under load sagas are taken together rather than one by one: so long after the last time at the earliest.
const BETWEEN_CLAIMS: Duration = Duration::from_millis(4);
/// After a claim that failed.
const PAUSE: Duration = Duration::from_millis(250);

impl Sagas {
    /// Carries out the sagas of these flows until the process stops; steps in hand are finished. Any number of processes
    /// may do so. Sagas of flows and versions that it does not know are left for others.
    ///
    /// # Errors
    /// At once when a flow is not declared well.
    pub async fn run(&self, flows: Vec<Flow>, stop: Stop) -> anyhow::Result<()> {
        check(&flows)?;
        let flows: Vec<Arc<Flow>> = flows.into_iter().map(Arc::new).collect();
        let mut worker = Worker {
            sagas: self,
            owner: Uuid::new_v4(),
            flows,
            first: 0,
            carrying: JoinSet::new(),
            due: BinaryHeap::new(),
            claimed: Instant::now(),
        };
        tokio::join!(worker.work(&stop), watch::watch(self, &stop));
        Ok(())
    }
}

struct Worker<'a> {
    sagas: &'a Sagas,
    owner: Uuid,
    flows: Vec<Arc<Flow>>,
    /// Which flow is asked for first next time, so that none waits for another.
    first: usize,
    carrying: JoinSet<Carried>,
    /// When sagas that this worker has put aside are due again.
    due: BinaryHeap<Reverse<Ts>>,
    /// When sagas were taken last.
    claimed: Instant,
}

impl Worker<'_> {
    async fn work(&mut self, stop: &Stop) {
        // Whether there may be due sagas that nobody has.
        let mut look = true;
        while !stop.is_stopping() {
            if look && self.room() > 0 {
                self.gather().await;
                match self.claim(stop).await {
                    Ok(more) => look = more,
                    Err(error) => {
                        tracing::warn!(%error, "sagas cannot be taken");
                        sleep(PAUSE).await;
                        continue;
                    }
                }
            }
            let next = self.next_look();
            tokio::select! {
                () = self.sagas.0.committed.notified() => look = true,
                () = sleep_until(next), if !look => look = true,
                Some(ended) = self.carrying.join_next() => {
                    self.note(ended);
                    self.collect();
                }
                () = stop.stopping() => {}
            }
        }
        while let Some(ended) = self.carrying.join_next().await {
            self.note(ended);
        }
    }

    /// Under load, lets some more sagas come or end before taking the next.
    async fn gather(&mut self) {
        if !self.carrying.is_empty() {
            sleep_until(self.claimed + BETWEEN_CLAIMS).await;
            self.collect();
        }
    }

    fn room(&self) -> usize {
        (self.sagas.0.config.concurrency as usize).saturating_sub(self.carrying.len())
    }

    /// Takes as many due sagas as there is room for. Says whether there may be more.
    async fn claim(&mut self, stop: &Stop) -> Result<bool, DbError> {
        let sagas = &self.sagas.0;
        let now = sagas.clock.now();
        let mut more = false;
        self.claimed = Instant::now();
        while self.due.peek().is_some_and(|Reverse(due)| *due <= now) {
            self.due.pop();
        }
        self.first = self.first.wrapping_add(1);
        for place in 0..self.flows.len() {
            let room = self.room();
            if room == 0 {
                more = true;
                break;
            }
            let flow = &self.flows[(place + self.first) % self.flows.len()];
            let (name, version) = (flow.about().name, flow.about().version);
            // On SQLite a claim takes the write lock, also when it finds nothing.
            if sagas.db.engine() == Engine::Sqlite && !store::is_due(&sagas.db, name, version, now).await? {
                continue;
            }
            let (lease, most) = (now + sagas.config.lease(), i64::try_from(room).unwrap_or(i64::MAX));
            let claim = store::Claim { name, version, owner: self.owner, now, lease, most };
            let claimed = store::claim(&sagas.db, claim).await?;
            more |= claimed.len() == room;
            for record in claimed {
                let carrier = Carrier::new(self.sagas.clone(), Arc::clone(flow), record, stop.clone());
                self.carrying.spawn(carrier.carry());
            }
        }
        Ok(more)
    }

    /// When a saga that was put aside is due, or others may have left some.
    fn next_look(&self) -> Instant {
        let (clock, poll) = (&self.sagas.0.clock, self.sagas.0.config.poll());
        let now = Instant::now();
        let next =
            self.due.peek().map(|Reverse(due)| now + due.since(clock.now()) + Duration::from_millis(1));
        let look = self.claimed + poll;
        next.map_or(look, |next| next.min(look))
    }

    fn collect(&mut self) {
        while let Some(ended) = self.carrying.try_join_next() {
            self.note(ended);
        }
    }

    fn note(&mut self, ended: Result<Carried, tokio::task::JoinError>) {
        match ended {
            Ok(Carried::Aside(due)) => self.due.push(Reverse(due)),
            Ok(Carried::Away) => {}
            Err(error) => tracing::error!(%error, "a saga's worker ended; others go on with it"),
        }
    }
}

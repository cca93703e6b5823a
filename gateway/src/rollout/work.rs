//! Follows roll-outs: adds what was seen here to what all replicas have seen, and decides.
//!
//! Every replica looks, adds and decides; a decision names the version that it was made on, so one of them takes effect and the
//! others read it. There is no replica that has to be there. While the database is away all stay where they are, and what they
//! see meanwhile is added afterwards.

use super::judge::Verdict;
use super::live::{Gauges, Key, Live};
use super::share::Share;
use super::spec::{OnFailure, RolloutSpec};
use super::store::{self, Change, Row, State};
use chassis::clock::Clock;
use chassis::db::{Db, DbError};
use chassis::service::Context;
use chassis::stop::Stop;
use chassis::wake::Wake;
use metrics::counter;
use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use tokio::time::sleep;

/// Looks in a row at most when each finds something to do; the rest is done at the next.
const IN_A_ROW: usize = 4;

/// The roll-outs of a gateway. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Rollouts(Arc<Inner>);

#[derive(Debug)]
pub(crate) struct Inner {
    db: Db,
    clock: Clock,
    /// Wakes every replica when something was decided.
    decided: Wake,
    /// By route; that of a route which is no more goes with it.
    all: Mutex<BTreeMap<Arc<str>, Weak<Live>>>,
    /// Held by who looks: what was read first is heard first, and nobody goes back to it afterwards.
    looking: tokio::sync::Mutex<()>,
}

impl std::ops::Deref for Rollouts {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl Rollouts {
    pub(crate) fn open(context: &Context) -> anyhow::Result<Self> {
        let (db, clock) = (context.db()?, context.clock().clone());
        let (decided, all, looking) = (context.wake("rollouts"), Mutex::default(), Default::default());
        Ok(Self(Arc::new(Inner { db, clock, decided, all, looking })))
    }

    /// That of a route: the same when the file says it again, so that it goes on. Until it is taken over nothing has changed.
    pub(super) fn of_route(&self, route: &Arc<str>, spec: &RolloutSpec) -> Arc<Live> {
        let key = Key::of(route, spec);
        let known = self.lock().get(route).and_then(Weak::upgrade);
        known.filter(|live| live.key == key).unwrap_or_else(|| Arc::new(Live::new(key, spec)))
    }

    /// Has a roll-out be its route's, with what the file says of it now.
    pub(super) fn take_over(&self, live: &Arc<Live>, spec: &RolloutSpec) {
        live.change(spec);
        self.lock().insert(Arc::clone(&live.key.route), Arc::downgrade(live));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Weak<Live>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Those of all routes, in their order.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        let mut all = self.lock();
        all.retain(|route, live| {
            let is_there = live.strong_count() > 0;
            if !is_there {
                // Nobody is to be told any more that it went back.
                Gauges::of(route).set(Share::NONE, None, false);
            }
            is_there
        });
        all.values().filter_map(Weak::upgrade).collect()
    }

    /// Reads how they stand before the first request. Without the database those with steps send nobody elsewhere yet.
    pub(crate) async fn begin(&self) {
        if let Err(error) = self.look().await {
            tracing::warn!(%error, "roll-outs with steps wait for the database");
        }
    }

    /// The work, until the stop.
    pub(crate) async fn follow(self, stop: Stop) -> anyhow::Result<()> {
        let mut away = false;
        while !stop.is_stopping() {
            let mut woken = pin!(self.decided.woken());
            woken.as_mut().enable();
            match self.look().await {
                Ok(()) => away = false,
                Err(error) if away => tracing::debug!(%error, "roll-outs still stay where they are"),
                Err(error) => {
                    away = true;
                    tracing::warn!(%error, "roll-outs stay where they are until the database answers");
                }
            }
            tokio::select! {
                () = woken => {}
                () = sleep(self.decided.patience()) => {}
                () = stop.stopping() => {}
            }
        }
        Ok(())
    }

    /// Adds, reads and decides, until there is nothing more to decide.
    pub(crate) async fn look(&self) -> Result<(), DbError> {
        let _alone = self.looking.lock().await;
        let lives: Vec<_> = self.all().into_iter().filter(|live| !live.is_fixed()).collect();
        for _ in 0..IN_A_ROW {
            if lives.is_empty() || !self.once(&lives).await? {
                break;
            }
        }
        Ok(())
    }

    /// Says whether there may be more to do.
    async fn once(&self, lives: &[Arc<Live>]) -> Result<bool, DbError> {
        for live in lives {
            self.add(live).await?;
        }
        let rows = store::all(&self.db).await?;
        let mut again = false;
        for live in lives {
            match rows.iter().find(|row| row.is(&live.key)) {
                Some(row) => {
                    live.hear(row);
                    again |= self.decide(live, row).await?;
                }
                None => {
                    store::begin(&self.db, &live.key, self.clock.now()).await?;
                    again = true;
                }
            }
        }
        Ok(again)
    }

    /// Adds what was seen here.
    async fn add(&self, live: &Live) -> Result<(), DbError> {
        let Some(row) = live.known() else { return Ok(()) };
        let taken = live.take();
        let is_counted = row.state == State::Advancing && taken.seen != Default::default();
        if is_counted {
            store::add(&self.db, &live.key, row.version, taken.seen).await?;
        }
        taken.forget();
        Ok(())
    }

    /// Decides about a step; whether there was something to decide.
    async fn decide(&self, live: &Live, row: &Row) -> Result<bool, DbError> {
        if row.state != State::Advancing {
            return Ok(false);
        }
        let (bounds, now) = (live.bounds.load_full(), self.clock.now());
        let step = row.step();
        let (state, step, reason) = match bounds.judge(now.since(row.since), row.stable(), row.canary()) {
            Verdict::Stay => return Ok(false),
            Verdict::Well if bounds.is_last(step) => (State::Done, step, "all steps were well".to_owned()),
            Verdict::Well => (State::Advancing, step + 1, "the step before was well".to_owned()),
            Verdict::Broken(why) => match bounds.on_failure {
                OnFailure::Back => (State::Back, step, why),
                OnFailure::Hold => (State::Held, step, why),
            },
        };
        let is_broken = state == State::Back || state == State::Held;
        if self.change(live, row, &Change { state, step, reason: &reason, by: None }).await? {
            let Key { route, target, .. } = &live.key;
            let percent = bounds.share(step).percent();
            if is_broken {
                tracing::error!(%route, %target, percent, state = state.as_str(), reason, "a roll-out is not well");
            } else {
                tracing::info!(%route, %target, percent, state = state.as_str(), "a roll-out goes on");
            }
        }
        Ok(true)
    }

    /// Changes a roll-out here and for every replica, unless it was changed meanwhile; says whether it did. Whoever calls
    /// looks alone, or what was read before could be heard after it.
    async fn change(&self, live: &Live, row: &Row, to: &Change<'_>) -> Result<bool, DbError> {
        let changed = store::change(&self.db, &live.key, row.version, to, self.clock.now()).await?;
        if let Some(changed) = &changed {
            live.hear(changed);
            let event = if to.state == State::Advancing { "advanced" } else { to.state.as_str() };
            counter!("gateway_rollout_events_total", "route" => Arc::clone(&live.key.route), "event" => event)
                .increment(1);
            self.decided.all();
        }
        Ok(changed.is_some())
    }

    /// Changes a roll-out as somebody decides who has seen this of it.
    pub(super) async fn decided_by_hand(
        &self,
        live: &Live,
        row: &Row,
        to: &Change<'_>,
    ) -> Result<bool, DbError> {
        let _alone = self.looking.lock().await;
        self.change(live, row, to).await
    }
}

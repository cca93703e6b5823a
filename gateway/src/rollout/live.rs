//! A roll-out while it is live: what requests read of it and add to it, without waiting for anybody.

use super::choose::Side;
use super::judge::{Bounds, Seen};
use super::meter::Ended;
use super::share::Share;
use super::spec::RolloutSpec;
use super::store::{Row, State};
use arc_swap::ArcSwap;
use metrics::{Gauge, gauge};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Which roll-out it is. Another target or generation is another one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Key {
    pub(crate) route: Arc<str>,
    pub(crate) target: Box<str>,
    pub(crate) generation: u32,
}

impl Key {
    pub(crate) fn of(route: &Arc<str>, spec: &RolloutSpec) -> Self {
        Self { route: Arc::clone(route), target: spec.to.as_str().into(), generation: spec.generation }
    }
}

/// A roll-out.
pub(crate) struct Live {
    pub(super) key: Key,
    pub(super) bounds: ArcSwap<Bounds>,
    points: AtomicU32,
    stable: Tally,
    canary: Tally,
    /// As it was read last.
    known: Mutex<Option<Row>>,
    gauges: Gauges,
}

/// How the roll-out of a route stands, for who watches.
pub(super) struct Gauges {
    percent: Gauge,
    step: Gauge,
    back: Gauge,
}

impl Gauges {
    pub(super) fn of(route: &Arc<str>) -> Self {
        let route = || Arc::clone(route);
        Self {
            percent: gauge!("gateway_rollout_percent", "route" => route()),
            step: gauge!("gateway_rollout_step", "route" => route()),
            back: gauge!("gateway_rollout_back", "route" => route()),
        }
    }

    /// `step` is nothing where there is none: a share of the file, or all are on the stable side.
    pub(super) fn set(&self, share: Share, step: Option<usize>, is_back: bool) {
        self.percent.set(share.percent());
        self.step.set(step.map_or(0.0, |step| f64::from(u32::try_from(step + 1).unwrap_or(u32::MAX))));
        self.back.set(if is_back { 1.0 } else { 0.0 });
    }
}

/// What this process has seen since it was last added to what all have.
#[derive(Debug, Default)]
struct Tally {
    requests: AtomicU64,
    errors: AtomicU64,
    slow: AtomicU64,
}

impl Tally {
    fn add(&self, seen: Seen) {
        for (count, more) in
            [(&self.requests, seen.requests), (&self.errors, seen.errors), (&self.slow, seen.slow)]
        {
            if more > 0 {
                count.fetch_add(more, Ordering::Relaxed);
            }
        }
    }

    fn take(&self) -> Seen {
        // An answer that is being added to now may be counted half before and half after; its error then comes later.
        let errors = self.errors.swap(0, Ordering::Relaxed);
        let slow = self.slow.swap(0, Ordering::Relaxed);
        Seen { requests: self.requests.swap(0, Ordering::Relaxed), errors, slow }
    }
}

impl Live {
    /// One that nobody is sent to yet.
    pub(super) fn new(key: Key, spec: &RolloutSpec) -> Self {
        Self {
            bounds: ArcSwap::from_pointee(Bounds::of(spec)),
            points: AtomicU32::new(0),
            stable: Tally::default(),
            canary: Tally::default(),
            known: Mutex::default(),
            gauges: Gauges::of(&key.route),
            key,
        }
    }

    /// Takes over what the file says now. Step and state stay.
    pub(super) fn change(&self, spec: &RolloutSpec) {
        let known = self.lock();
        self.bounds.store(Arc::new(Bounds::of(spec)));
        match &*known {
            Some(row) if !self.is_fixed() => self.apply(row),
            _ => {
                let share = spec.percent.and_then(Share::of).unwrap_or(Share::NONE);
                self.points.store(share.points(), Ordering::Relaxed);
                self.gauges.set(share, None, false);
            }
        }
    }

    /// Whether it stays where the file says.
    pub(crate) fn is_fixed(&self) -> bool {
        self.bounds.load().steps.is_empty()
    }

    /// How much goes to the canary.
    pub(crate) fn share(&self) -> Share {
        Share::of_points(self.points.load(Ordering::Relaxed))
    }

    /// Whether a cookie is heard that asks for the canary: it stays in a browser, so not once the roll-out went back.
    pub(crate) fn is_open(&self, share: Share) -> bool {
        share.is_some() || self.is_fixed()
    }

    /// Notes how a request of a side ended.
    pub(crate) fn note(&self, side: Side, ended: Ended, took: Duration) {
        let bounds = self.bounds.load();
        if bounds.steps.is_empty() {
            return;
        }
        let slow = bounds.is_slow(took);
        // Who left says something only when they had waited for too long.
        if ended == Ended::Left && !slow {
            return;
        }
        let seen = Seen { requests: 1, errors: u64::from(ended == Ended::Failed), slow: u64::from(slow) };
        self.tally(side).add(seen);
    }

    fn tally(&self, side: Side) -> &Tally {
        match side {
            Side::Stable => &self.stable,
            Side::Canary => &self.canary,
        }
    }

    /// What was seen here since it was last taken.
    pub(super) fn take(&self) -> Taken<'_> {
        Taken { live: self, seen: (self.stable.take(), self.canary.take()) }
    }

    /// As it was read last.
    pub(super) fn known(&self) -> Option<Row> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Row>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes over what was read. What was seen before a change says nothing about what is after it.
    pub(super) fn hear(&self, row: &Row) {
        let mut known = self.lock();
        let is_news = known.as_ref().is_none_or(|known| known.version != row.version);
        *known = Some(row.clone());
        if self.is_fixed() {
            // The file has come to say so while it was read.
            return;
        }
        self.apply(row);
        if is_news {
            self.take().forget();
        }
    }

    /// Has it be as it stands in a row. Whoever calls holds the lock, so that the file does not say otherwise meanwhile.
    fn apply(&self, row: &Row) {
        let share = match row.state {
            State::Back => Share::NONE,
            State::Advancing | State::Held | State::Done => self.bounds.load().share(row.step()),
        };
        self.points.store(share.points(), Ordering::Relaxed);
        let is_back = row.state == State::Back;
        self.gauges.set(share, (!is_back).then(|| row.step()), is_back);
    }
}

/// What was seen here, to be added to what all have seen. It is put back when this is dropped before it is forgotten: when the
/// database is away, or nobody waits for it any more.
pub(super) struct Taken<'a> {
    live: &'a Live,
    /// Of the stable side, and of the canary.
    pub(super) seen: (Seen, Seen),
}

impl Taken<'_> {
    pub(super) fn forget(mut self) {
        self.seen = Default::default();
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let (stable, canary) = self.seen;
        self.live.stable.add(stable);
        self.live.canary.add(canary);
    }
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("key", &self.key).field("share", &self.share()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_of_the_file_is_not_changed_by_what_was_read_before() {
        let spec = |text: &str| toml::from_str::<RolloutSpec>(&format!("to = 'v2'\n{text}")).unwrap();
        let steps = spec("steps = [5, 50]");
        let live = Live::new(Key::of(&"shop".into(), &steps), &steps);
        live.change(&steps);
        let row = Row::begun(&live.key);
        live.hear(&row);
        assert_eq!(live.share(), Share::of(5.0).unwrap());
        live.change(&spec("percent = 20"));
        live.hear(&row);
        assert_eq!(live.share(), Share::of(20.0).unwrap());
        live.change(&steps);
        assert_eq!(live.share(), Share::of(5.0).unwrap());
    }

    #[test]
    fn what_was_taken_and_not_added_is_taken_again() {
        let spec: RolloutSpec = toml::from_str("to = 'v2'\nsteps = [50]").unwrap();
        let live = Live::new(Key::of(&"shop".into(), &spec), &spec);
        live.note(Side::Canary, Ended::Failed, Duration::ZERO);
        let seen = live.take().seen;
        assert_eq!(seen.1, Seen { requests: 1, errors: 1, slow: 0 });
        live.note(Side::Stable, Ended::Well, Duration::ZERO);
        let taken = live.take();
        assert_eq!(taken.seen, (Seen { requests: 1, errors: 0, slow: 0 }, seen.1));
        taken.forget();
        assert_eq!(live.take().seen, Default::default());
    }
}

//! Purges, in this process and in all others.
//!
//! A purge holds here at once. The others hear of it through Redis; what they could not be told is told again until they were,
//! and a process that had lost Redis itself forgets everything when it has it back. Nothing is kept in Redis, so there is nothing
//! to be found wrong there.

use super::ResponseCache;
use super::marks::Name;
use chassis::state::{Invalidation, Invalidations, Stale, State, StateEngine};
use chassis::stop::Stop;
use contract::purge::Reach;
use http::HeaderMap;
use http::header::{CONTENT_LOCATION, LOCATION};
use metrics::{counter, gauge};
use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Names that wait to be told; when there are more, everything is purged elsewhere.
const MOST_WAITING: usize = 4_096;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often the gauges are set.
const TIDY_EVERY: Duration = Duration::from_secs(5);
/// How long the stop waits for Redis to be told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// What an invalidation's key is that means everything, and what others begin with.
const ALL: &str = "all";
const PATH: &str = "path ";
const ADDRESS: &str = "address ";

/// What is to be forgotten.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Purge {
    pub(crate) all: bool,
    pub(crate) paths: BTreeSet<String>,
    pub(crate) tags: BTreeSet<String>,
    /// Host and path.
    pub(crate) addresses: BTreeSet<(String, String)>,
}

impl Purge {
    fn len(&self) -> usize {
        usize::from(self.all) + self.paths.len() + self.tags.len() + self.addresses.len()
    }

    fn add(&mut self, other: Self) {
        self.all |= other.all;
        self.paths.extend(other.paths);
        self.tags.extend(other.tags);
        self.addresses.extend(other.addresses);
        if self.all || self.len() > MOST_WAITING {
            *self = Self { all: true, ..Self::default() };
        }
    }

    fn told(&self) -> Invalidation {
        let all = self.all.then(|| ALL.to_owned());
        let paths = self.paths.iter().map(|path| format!("{PATH}{path}"));
        let addresses = self.addresses.iter().map(|(host, path)| format!("{ADDRESS}{host} {path}"));
        let keys = all.into_iter().chain(paths).chain(addresses).collect();
        Invalidation { keys, tags: self.tags.iter().cloned().collect() }
    }

    fn heard(said: &Invalidation) -> Self {
        let mut purge = Self { tags: said.tags.iter().cloned().collect(), ..Self::default() };
        for key in &said.keys {
            if let Some(path) = key.strip_prefix(PATH) {
                purge.paths.insert(path.to_owned());
            } else if let Some((host, path)) = key.strip_prefix(ADDRESS).and_then(|key| key.split_once(' ')) {
                purge.addresses.insert((host.to_owned(), path.to_owned()));
            } else {
                // Everything, or what a later release means: that is better forgotten too.
                purge.all = true;
            }
        }
        purge
    }
}

/// The way to the other processes.
pub(super) struct Telling {
    state: State,
    waiting: Mutex<Purge>,
    noted: Notify,
    /// Until the worker takes it: nothing is missed before it begins.
    news: Mutex<Option<Invalidations>>,
}

impl Telling {
    pub(super) fn new(state: &State) -> Self {
        // A name of its own: the gateway's other caches speak of other things.
        let state = state.of("gateway-responses");
        let news = Mutex::new(Some(state.invalidations()));
        Self { state, waiting: Mutex::default(), noted: Notify::new(), news }
    }

    fn lock<'a, T>(&self, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_alone(&self) -> bool {
        self.state.engine() == StateEngine::Process
    }

    /// Has the others told.
    fn note(&self, purge: Purge) {
        if !self.is_alone() {
            self.lock(&self.waiting).add(purge);
            self.noted.notify_one();
        }
    }

    /// Tells what waits, and again what could not be told.
    async fn tell(&self) {
        let mut pause = FIRST_PAUSE;
        loop {
            let purge = std::mem::take(&mut *self.lock(&self.waiting));
            if purge.len() == 0 {
                return;
            }
            if let Err(error) = self.state.invalidate_elsewhere(purge.told()).await {
                if pause == FIRST_PAUSE {
                    tracing::warn!(%error, "other gateways cannot be told of a purge; it is tried again");
                }
                self.lock(&self.waiting).add(purge);
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

impl ResponseCache {
    /// Forgets, here before it returns, and in the other processes as far as it says.
    pub(crate) async fn purge(&self, purge: Purge) -> Reach {
        let telling = &self.0.telling;
        self.forget(&purge);
        if telling.is_alone() {
            return Reach::Here;
        }
        match telling.state.invalidate_elsewhere(purge.told()).await {
            Ok(()) => Reach::Everywhere,
            Err(error) => {
                tracing::warn!(%error, "other gateways cannot be told of a purge; it is tried again");
                telling.note(purge);
                Reach::HereForNow
            }
        }
    }

    /// Something below this address was changed, and what the answer says has come of it.
    pub(super) fn changed(&self, host: String, path: String, answer: &HeaderMap) {
        let mut addresses = BTreeSet::new();
        for name in [LOCATION, CONTENT_LOCATION] {
            let place = answer.get(name).and_then(|place| place.to_str().ok()?.parse::<http::Uri>().ok());
            if let Some(place) = place
                && place.authority().is_none_or(|authority| authority.as_str().eq_ignore_ascii_case(&host))
            {
                addresses.insert((host.clone(), place.path().to_owned()));
            }
        }
        addresses.insert((host, path));
        let purge = Purge { addresses, ..Purge::default() };
        self.forget(&purge);
        self.0.telling.note(purge);
    }

    fn forget(&self, purge: &Purge) {
        let marks = &self.0.marks;
        purge.paths.iter().for_each(|path| marks.purge(Name::Path(path)));
        purge.tags.iter().for_each(|tag| marks.purge(Name::Tag(tag)));
        purge.addresses.iter().for_each(|(host, path)| marks.purge(Name::Address(host, path)));
        if purge.all {
            marks.purge_everything();
            self.0.shelf.clear();
        }
        let counts = [
            ("all", usize::from(purge.all)),
            ("path", purge.paths.len()),
            ("tag", purge.tags.len()),
            ("address", purge.addresses.len()),
        ];
        for (what, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
            counter!("gateway_cache_purges_total", "what" => what).increment(count as u64);
        }
    }

    /// Hears the other processes, tells them, and keeps the gauges, until the stop.
    pub(crate) async fn look_after(self, stop: Stop) -> anyhow::Result<()> {
        let telling = &self.0.telling;
        let Some(mut news) = telling.lock(&telling.news).take() else { return Ok(()) };
        let mut ticks = interval(TIDY_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let tell = async {
            loop {
                telling.tell().await;
                if stop.is_stopping() {
                    return;
                }
                tokio::select! {
                    () = telling.noted.notified() => {}
                    () = stop.stopping() => {}
                }
            }
        };
        let hear = async {
            loop {
                tokio::select! {
                    stale = news.next() => self.hear(&stale),
                    _ = ticks.tick() => self.tidy(),
                }
            }
        };
        let too_late = async {
            stop.stopping().await;
            sleep(LAST_WORDS).await;
        };
        // What is being told when the stop comes is told to its end.
        tokio::select! {
            () = tell => {}
            () = hear => {}
            () = too_late => {
                tracing::warn!("other gateways were not told of every purge; what they keep ends by its time");
            }
        }
        Ok(())
    }

    fn hear(&self, stale: &Stale) {
        match stale {
            Stale::These(said) => self.forget(&Purge::heard(said)),
            Stale::Everything => self.forget(&Purge { all: true, ..Purge::default() }),
        }
    }

    fn tidy(&self) {
        let (entries, bytes) = self.0.shelf.tidy();
        gauge!("gateway_cache_entries").set(entries as f64);
        gauge!("gateway_cache_bytes").set(bytes as f64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_what_is_heard() {
        let purge = Purge {
            all: false,
            paths: BTreeSet::from(["/a".into(), "/b c".into()]),
            tags: BTreeSet::from(["red".into()]),
            addresses: BTreeSet::from([
                ("shop.example:8080".into(), "/a b".into()),
                (String::new(), "/".into()),
            ]),
        };
        assert_eq!(Purge::heard(&purge.told()), purge);
        let all = Purge { all: true, ..Purge::default() };
        assert_eq!(Purge::heard(&all.told()), all);
        let unknown = Invalidation { keys: vec!["later".into()], tags: Vec::new() };
        assert!(Purge::heard(&unknown).all);
    }

    #[test]
    fn more_than_can_wait_becomes_everything() {
        let mut waiting = Purge::default();
        for n in 0..=MOST_WAITING {
            waiting.add(Purge { tags: BTreeSet::from([n.to_string()]), ..Purge::default() });
        }
        assert_eq!(waiting, Purge { all: true, ..Purge::default() });
    }
}

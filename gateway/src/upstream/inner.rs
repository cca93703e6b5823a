//! What the requests to an upstream and its background work share.

use super::balance::{Place, Table};
use super::found::{Found, Where};
use super::hold::Held;
use super::instance::Instance;
use super::meter::Meter;
use super::settings::Health;
use super::spec::UpstreamSpec;
use super::way::Way;
use anyhow::bail;
use arc_swap::ArcSwap;
use chassis::resilience::{Budget, BudgetConfig};
use chassis::stop::Stop;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

/// How often idle connections and conditions are looked at.
const ROUND: Duration = Duration::from_millis(250);
/// How often the files of certificates are read again.
const READING: Duration = Duration::from_secs(2);
/// Retries for each request that was sent, and a second besides.
const RETRIES: BudgetConfig = BudgetConfig { ratio: 0.2, floor: 10.0 };

/// An upstream.
pub(super) struct Inner {
    pub(super) name: Arc<str>,
    pub(super) settings: ArcSwap<UpstreamSpec>,
    pub(super) table: ArcSwap<Table>,
    pub(super) way: ArcSwap<Way>,
    /// Held while the table is made anew or instances are counted, so that no change is lost.
    changing: Mutex<()>,
    /// Counts the changes of the settings.
    pub(super) changes: watch::Sender<u64>,
    pub(super) held: Held,
    budget: Budget,
    /// Requests that the budget has not heard of yet.
    sent: AtomicU32,
    pub(super) meter: Meter,
    /// Known to its instances, which tell it when they fail.
    me: Weak<Self>,
}

/// Other settings of an upstream: checked, and all that they name was read. Taking them over cannot fail.
pub struct Ready {
    inner: Arc<Inner>,
    spec: UpstreamSpec,
    found: Where,
    way: Option<Way>,
}

impl Ready {
    /// Takes them over. Instances that stay keep their connections and what is known of them.
    pub fn take_over(self) {
        self.inner.take_over(self.spec, self.found, self.way);
    }
}

impl std::fmt::Debug for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ready").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

impl Inner {
    pub(super) fn new(name: &str, spec: UpstreamSpec) -> anyhow::Result<Arc<Self>> {
        right(name, &spec)?;
        let way = ArcSwap::from_pointee(Way::first(&spec)?);
        let inner = Arc::new_cyclic(|me| Self {
            name: name.into(),
            settings: ArcSwap::from_pointee(spec.clone()),
            table: ArcSwap::from_pointee(Table::new(Vec::new(), spec.balance, 0)),
            way,
            changing: Mutex::new(()),
            changes: watch::Sender::new(0),
            held: Held::default(),
            budget: Budget::new(RETRIES),
            sent: AtomicU32::new(0),
            meter: Meter::new(name),
            me: me.clone(),
        });
        let found = spec.source()?;
        inner.take_over(spec, found, None);
        Ok(inner)
    }

    /// Other settings, ready to be taken over.
    ///
    /// # Errors
    /// What is wrong with them.
    pub(super) fn ready(self: &Arc<Self>, spec: UpstreamSpec) -> anyhow::Result<Ready> {
        right(&self.name, &spec)?;
        let found = spec.source()?;
        let way = Way::of_change(&self.settings.load(), &spec)?;
        Ok(Ready { inner: Arc::clone(self), spec, found, way })
    }

    fn take_over(&self, spec: UpstreamSpec, found: Where, way: Option<Way>) {
        let _alone = self.lock();
        match found {
            Where::Listed(found) => {
                self.learn(found, &spec);
            }
            // The instances of before stay until others are known.
            _ => {
                let list = self.table.load().list.clone();
                self.table.store(Arc::new(Table::new(list, spec.balance, spec.max_connections)));
            }
        }
        if let Some(way) = way {
            // Certificates may have been read again meanwhile, which is a generation, too.
            let generation = self.way.load().generation + 1;
            self.way.store(Arc::new(Way { generation, ..way }));
        }
        if spec.health.is_none() {
            self.table.load().list.iter().for_each(|place| place.instance.condition.unchecked());
        }
        self.settings.store(Arc::new(spec));
        self.changes.send_modify(|changes| *changes += 1);
        self.held.news();
    }

    /// Makes these the instances; how many are new and how many are gone, if any. Those that stay keep what is known of them.
    /// Whoever calls holds the lock.
    pub(super) fn learn(&self, found: Vec<Found>, spec: &UpstreamSpec) -> Option<(usize, usize)> {
        let before = self.table.load_full();
        let known = &before.list;
        // A newcomer is taken to be as fast as the others, so that they do not all run to it.
        let micros = known.iter().map(|one| one.instance.micros()).sum::<f64>() / known.len().max(1) as f64;
        let mut list = Vec::with_capacity(found.len());
        let mut new = 0;
        for Found { base, host, weight } in found {
            let is_it = |place: &&Place| place.instance.base == base && place.instance.host == host.as_str();
            let instance = match known.iter().find(is_it) {
                Some(place) => place.instance.clone(),
                None => {
                    new += 1;
                    let one = Instance::new(&self.me, self.name.clone(), (base, &host), micros);
                    if !known.is_empty() {
                        one.condition.warm_up(Instant::now(), spec.slow_start());
                    }
                    Arc::new(one)
                }
            };
            list.push(Place { instance, weight });
        }
        let gone = known.len() + new - list.len();
        self.meter.show(&list, Instant::now());
        self.table.store(Arc::new(Table::new(list, spec.balance, spec.max_connections)));
        (new > 0 || gone > 0).then_some((new, gone))
    }

    /// Notes that a request is sent for the first time.
    pub(super) fn note_sent(&self) {
        self.sent.fetch_add(1, Relaxed);
    }

    /// Whether a request may be sent once more.
    pub(super) fn is_retry_granted(&self) -> bool {
        self.tell_budget();
        self.budget.try_retry()
    }

    fn tell_budget(&self) {
        self.budget.sent_many(self.sent.swap(0, Relaxed));
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, ()> {
        self.changing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Says the first thing that is wrong with a spec.
fn right(name: &str, spec: &UpstreamSpec) -> anyhow::Result<()> {
    match spec.check().into_iter().next() {
        Some((field, what)) => bail!("upstream.{name}.{field}: {what}"),
        None => Ok(()),
    }
}

/// Looks after connections that nobody uses and instances that were left alone, until the stop.
pub(super) async fn rounds(inner: Arc<Inner>, stop: Stop) {
    let mut ticks = interval(ROUND);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let work = async {
        loop {
            ticks.tick().await;
            let idle = inner.settings.load().idle();
            for place in &inner.table.load_full().list {
                place.instance.idle.sweep(Instant::now(), idle);
            }
            inner.look_after_conditions();
            inner.tell_budget();
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.stopping() => {}
    }
}

/// Asks the instances how they are, as often as the settings of the moment say, until the stop.
pub(super) async fn checks(inner: Arc<Inner>, stop: Stop) {
    let work = async {
        loop {
            let health = inner.settings.load().health.clone();
            let began = Instant::now();
            if let Some(health) = &health {
                inner.check_all(health).await;
            }
            // When there is nothing to ask, whether there is now is looked at again.
            sleep_until(began + health.as_ref().map_or(ROUND, Health::every)).await;
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.stopping() => {}
    }
}

/// Reads the files of certificates again, until the stop. One that is wrong is told once, and those of before go on.
pub(super) async fn readings(inner: Arc<Inner>, stop: Stop) {
    let work = async {
        let mut told = None;
        loop {
            sleep(READING).await;
            let again = inner.read_again().await.map_err(|error| format!("{error:#}"));
            match (again, &told) {
                (Ok(false), _) => {}
                (Ok(true), _) => {
                    told = None;
                    tracing::info!(upstream = &*inner.name, "certificates were read again");
                }
                (Err(error), told) if told.as_ref() == Some(&error) => {}
                (Err(error), _) => {
                    tracing::warn!(
                        upstream = &*inner.name,
                        error,
                        "certificates cannot be read; those of before go on"
                    );
                    told = Some(error);
                }
            }
        }
    };
    tokio::select! {
        () = work => {}
        () = stop.stopping() => {}
    }
}

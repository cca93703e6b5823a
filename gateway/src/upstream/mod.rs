//! Upstreams that are not Bowline's own services: where their instances are, which of them a request goes to, and how it
//! gets there.
//!
//! A request is given to an instance ([`balance`]), sent over a connection that it drives itself ([`line`]), and sent to
//! another instance when that does no harm ([`send`]). What is known of an instance outlives a change of the file of routes
//! as long as the instance stays.

mod answer;
mod balance;
mod bell;
mod connect;
mod flight;
mod idle;
mod instance;
mod line;
mod meter;
mod send;
mod spec;

pub use spec::{Balance, InstanceSpec, UpstreamSpec, Weighted};

use anyhow::bail;
use arc_swap::ArcSwap;
use axum::body::Body;
use balance::Table;
use chassis::peer::{Base, UpstreamError};
use chassis::resilience::{Budget, BudgetConfig};
use chassis::stop::Stop;
use http::{HeaderValue, Request, Response};
use instance::Instance;
use meter::Meter;
use serde::Serialize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval};

/// How often idle connections are looked at.
const ROUND: Duration = Duration::from_millis(500);
/// Retries for each request that was sent, and a second besides.
const RETRIES: BudgetConfig = BudgetConfig { ratio: 0.2, floor: 10.0 };

/// An upstream with its background work, which ends when this is dropped.
pub struct Upstream {
    inner: Arc<Inner>,
    _tasks: Mutex<JoinSet<()>>,
}

/// What requests and background work share.
struct Inner {
    name: Arc<str>,
    settings: ArcSwap<UpstreamSpec>,
    table: ArcSwap<Table>,
    /// Held while the table is made anew, so that no change is lost.
    changing: Mutex<()>,
    budget: Budget,
    meter: Meter,
}

/// How one request is sent.
#[derive(Debug, Clone)]
pub struct Ask {
    /// Bounds all of it: waiting, connecting, pauses, every attempt.
    pub deadline: Instant,
    /// How often it may be sent at most, the first time included.
    pub tries: u32,
    /// What a consistent hash goes by.
    pub key: Option<u64>,
    /// The value of the sticky cookie.
    pub sticky: Option<String>,
}

/// An answer.
#[derive(Debug)]
pub struct Sent {
    /// The answer as it comes.
    pub response: Response<Body>,
    /// The URL of the instance that gave it.
    pub instance: Arc<str>,
    /// The `Set-Cookie` by which the client's next request comes to the same instance.
    pub stick: Option<HeaderValue>,
}

/// An upstream as it is seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Look {
    /// Its name.
    pub upstream: String,
    /// Its instances.
    pub instances: Vec<LookInstance>,
    /// The instance that a request would be sent to now.
    pub taken: Option<String>,
}

/// An instance as it is seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LookInstance {
    /// Where it is.
    pub url: String,
    /// Requests under way.
    pub in_flight: u32,
    /// How long answers took lately, in milliseconds.
    pub latency_ms: f64,
}

impl Upstream {
    /// Opens an upstream and begins its background work.
    ///
    /// # Errors
    /// What is wrong with the spec.
    pub fn open(name: &str, spec: UpstreamSpec, stop: &Stop) -> anyhow::Result<Arc<Self>> {
        let inner = Arc::new(Inner::new(name, spec)?);
        let mut tasks = JoinSet::new();
        tasks.spawn(rounds(inner.clone(), stop.clone()));
        Ok(Arc::new(Self { inner, _tasks: Mutex::new(tasks) }))
    }

    /// Takes over another spec. Instances that stay keep their connections and what is known of them.
    ///
    /// # Errors
    /// What is wrong with the spec; then nothing has changed.
    pub fn change(&self, spec: UpstreamSpec) -> anyhow::Result<()> {
        self.inner.change(spec)
    }

    /// Sends a request and gives the answer as it comes. `hyper::upgrade::on` of an answer with 101 gives the connection.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, request: Request<Body>, ask: &Ask) -> Result<Sent, UpstreamError> {
        self.inner.send(request, ask).await
    }

    /// How it is now, and where a request would go.
    pub fn look(&self, _ask: &Ask) -> Look {
        let table = self.inner.table.load();
        let instances = table.list.iter().map(|instance| LookInstance {
            url: instance.name.to_string(),
            in_flight: instance.in_flight(),
            latency_ms: (instance.micros() / 10.0).round() / 100.0,
        });
        let taken = table.pick(&[]).map(|instance| instance.name.to_string());
        Look { upstream: self.inner.name.to_string(), instances: instances.collect(), taken }
    }
}

impl Inner {
    fn new(name: &str, spec: UpstreamSpec) -> anyhow::Result<Self> {
        let table = ArcSwap::from_pointee(Table::new(Vec::new(), spec.balance));
        let inner = Self {
            name: name.into(),
            settings: ArcSwap::from_pointee(spec.clone()),
            table,
            changing: Mutex::new(()),
            budget: Budget::new(RETRIES),
            meter: Meter::new(name),
        };
        inner.change(spec)?;
        Ok(inner)
    }

    fn change(&self, spec: UpstreamSpec) -> anyhow::Result<()> {
        if let Some((field, what)) = spec.check().into_iter().next() {
            bail!("upstream.{}.{field}: {what}", self.name);
        }
        let bases =
            spec.instances.iter().map(|one| Base::parse(one.url())).collect::<anyhow::Result<Vec<_>>>()?;
        let _alone = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.table.load_full();
        // A newcomer is taken to be as fast as the others, so that they do not all run to it.
        let micros =
            before.list.iter().map(|one| one.micros()).sum::<f64>() / before.list.len().max(1) as f64;
        let mut list = Vec::with_capacity(bases.len());
        for base in bases {
            list.push(match before.list.iter().find(|known| known.base == base) {
                Some(known) => known.clone(),
                None => Arc::new(Instance::new(base, micros)?),
            });
        }
        self.table.store(Arc::new(Table::new(list, spec.balance)));
        self.settings.store(Arc::new(spec));
        Ok(())
    }
}

/// Looks after connections that nobody uses, until the stop.
async fn rounds(inner: Arc<Inner>, stop: Stop) {
    let mut ticks = interval(ROUND);
    let stopping = stop.stopping();
    tokio::pin!(stopping);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = &mut stopping => return,
        }
        let idle = inner.settings.load().idle();
        for instance in &inner.table.load().list {
            instance.idle.sweep(Instant::now(), idle);
        }
    }
}

impl std::fmt::Debug for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upstream").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

//! A service declares itself once: what it is ([`Spec`]), what it can be told (`Config`), and what it is made of
//! ([`Parts`]). The run loop does the rest.

use crate::bus::Bus;
use crate::clock::Clock;
use crate::config::{Loader, Mode, Settings};
use crate::db::{Db, Migrations};
use crate::event_store::{EventStore, Projection};
use crate::events::{DeadLetters, EventsConfig, Handler, Outbox, Receiving, Relay, Subscription, Watch};
use crate::health::Check;
use crate::http::{Edge, EdgeShared, HttpConfig, reply};
use crate::identity::{ServiceCaller, ServiceKeys, Verifier};
use crate::mail::Mailer;
use crate::peer::{Directory, Peer};
use crate::saga::{Flow, Saga, Sagas};
use crate::state::State;
use crate::stop::Stop;
use crate::wake::{Wake, Wakes};
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use contract::event::{Event, EventSpec};
use secrecy::SecretString;
use std::any::Any;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use utoipa::openapi::OpenApi;

/// A future that does not care which service made it.
pub type Boxed<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a service is, as plain data that can be read without starting anything.
#[derive(Debug)]
pub struct Spec {
    /// Its name: the target, the section of the settings, the database, the label.
    pub name: &'static str,
    /// One line about it.
    pub about: &'static str,
    /// The first path segments under `/api/v1` that belong to it.
    pub owns: &'static [&'static str],
    /// Paths outside of `/api` that belong to it.
    pub well_known: &'static [&'static str],
    /// Whether it is the door: it gets every request from outside that is not internal.
    pub door: bool,
    /// The peers that it cannot do without.
    pub needs: &'static [&'static str],
    /// Its tables, when it has a database.
    pub database: Option<Migrations>,
    /// The events that it publishes.
    pub events: &'static [EventSpec],
    /// The description of its routes.
    pub openapi: fn() -> OpenApi,
}

/// One service.
pub trait Service: Sized + Send + Sync + 'static {
    /// What it is.
    const SPEC: Spec;

    /// What it can be told. The section of the settings has the service's name.
    type Config: Settings + Send + Sync + 'static;

    /// Builds it from its settings and what it asked for.
    ///
    /// # Errors
    /// When something it cannot do without is wrong; the process then ends with this error.
    fn build(config: Self::Config, context: Context) -> impl Future<Output = anyhow::Result<Parts>> + Send;
}

/// What a service is given to build itself with.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) spec: &'static Spec,
    pub(crate) all: Arc<[&'static Spec]>,
    pub(crate) mode: Mode,
    pub(crate) data_dir: PathBuf,
    pub(crate) http: Arc<HttpConfig>,
    pub(crate) public_url: String,
    pub(crate) identity: Arc<crate::identity::IdentityConfig>,
    pub(crate) db: Option<Db>,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) bus: Option<Bus>,
    pub(crate) events: Arc<EventsConfig>,
    pub(crate) outbox: Option<Outbox>,
    pub(crate) sagas: Option<Sagas>,
    pub(crate) wakes: Wakes,
    pub(crate) state: State,
    pub(crate) directory: Directory,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) service_keys: Arc<ServiceKeys>,
    pub(crate) clock: Clock,
    pub(crate) stop: Stop,
}

impl Context {
    /// Its own declaration.
    #[must_use]
    pub fn spec(&self) -> &'static Spec {
        self.spec
    }

    /// Every service that exists, running here or not.
    #[must_use]
    pub fn all_services(&self) -> &[&'static Spec] {
        &self.all
    }

    /// Development or production.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The folder for its files.
    #[must_use]
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The settings of the public listener.
    #[must_use]
    pub fn http(&self) -> &HttpConfig {
        &self.http
    }

    /// Where clients reach the platform, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// What all processes agree on about tokens.
    #[must_use]
    pub fn identity(&self) -> &crate::identity::IdentityConfig {
        &self.identity
    }

    /// Its database.
    ///
    /// # Errors
    /// When its [`Spec`] declares none.
    pub fn db(&self) -> anyhow::Result<Db> {
        self.db.clone().with_context(|| format!("{} declares no database in its SPEC", self.spec.name))
    }

    /// Sends mail from inside its transactions.
    ///
    /// # Errors
    /// When its [`Spec`] declares no database, where mail is kept until it is sent.
    pub fn mailer(&self) -> anyhow::Result<Mailer> {
        self.mailer.clone().with_context(|| format!("{} declares no database in its SPEC", self.spec.name))
    }

    /// Publishes events from inside its transactions.
    ///
    /// # Errors
    /// When its [`Spec`] declares no database, where events are kept until the bus has them.
    pub fn outbox(&self) -> anyhow::Result<Outbox> {
        self.outbox.clone().with_context(|| format!("{} declares no database in its SPEC", self.spec.name))
    }

    /// Starts sagas from inside its transactions, and looks after them.
    ///
    /// # Errors
    /// When its [`Spec`] declares no database, where sagas are kept.
    pub fn sagas(&self) -> anyhow::Result<Sagas> {
        self.sagas.clone().with_context(|| format!("{} declares no database in its SPEC", self.spec.name))
    }

    /// The events that it has given up.
    ///
    /// # Errors
    /// When its [`Spec`] declares no database.
    pub fn dead_letters(&self) -> anyhow::Result<DeadLetters> {
        Ok(DeadLetters::new(self.db()?, self.clock.clone()))
    }

    /// Its event store.
    ///
    /// # Errors
    /// When its [`Spec`] declares no database.
    pub fn event_store(&self) -> anyhow::Result<EventStore> {
        Ok(EventStore::new(self.db()?, self.wake("event-store"), self.clock.clone()))
    }

    /// A topic of its own, to wake whoever waits for news in any of its replicas.
    #[must_use]
    pub fn wake(&self, topic: &str) -> Wake {
        self.wakes.topic(self.spec.name, topic)
    }

    /// Its short-lived state and limits, which all its replicas share.
    #[must_use]
    pub fn state(&self) -> State {
        self.state.of(self.spec.name)
    }

    /// A peer; `None` when it is neither a target of this process nor has a URL.
    #[must_use]
    pub fn peer(&self, name: &str) -> Option<Peer> {
        self.directory.peer(self.spec.name, name)
    }

    /// This process's verifier of access tokens.
    #[must_use]
    pub fn verifier(&self) -> &Arc<Verifier> {
        &self.verifier
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The stop signal.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// A secret of its own: the one that was set, or in development one that is made once and kept in the data folder.
    ///
    /// # Errors
    /// When it can neither be read nor made, or is missing in production.
    pub fn secret(&self, name: &str, set: Option<&SecretString>) -> anyhow::Result<SecretString> {
        crate::run::secret(self.mode, &self.data_dir, &format!("{}.{name}", self.spec.name), set)
    }

    /// The work behind its events: to send what it publishes, to receive and handle what it subscribed to.
    pub(crate) fn event_workers(&self, subscriptions: Vec<Subscription>) -> anyhow::Result<Vec<Worker>> {
        let (Some(db), Some(outbox), Some(bus)) = (&self.db, &self.outbox, &self.bus) else {
            anyhow::ensure!(
                subscriptions.is_empty() && self.spec.events.is_empty(),
                "{} has events and declares no database in its SPEC, where they are kept",
                self.spec.name
            );
            return Ok(Vec::new());
        };
        let (bus, clock, config) = (bus.clone(), self.clock.clone(), self.events.clone());
        let mut workers = Vec::new();
        let handlers: Vec<&'static str> = Subscription::names(&subscriptions)?;
        if !self.spec.events.is_empty() {
            let relay = Relay::new(db.clone(), bus.clone(), outbox.clone(), config.clone(), clock.clone());
            workers.push(Worker::new("outbox", |stop| async move {
                relay.run(stop).await;
                Ok(())
            }));
        }
        if !subscriptions.is_empty() {
            let receiving = Receiving::new(db.clone(), bus, clock.clone(), config.clone());
            workers.push(Worker::new("inbox", |stop| async move {
                receiving.run(subscriptions, stop).await;
                Ok(())
            }));
        }
        if !workers.is_empty() {
            let watch = Watch { db: db.clone(), clock, config, handlers };
            workers.push(Worker::new("events", |stop| async move {
                watch.run(stop).await;
                Ok(())
            }));
        }
        Ok(workers)
    }

    /// The edge around a service's routes, to which its description is added for the gateway to ask for.
    pub(crate) fn edge(&self, router: Router) -> Edge {
        let described = self.spec.openapi;
        let describe = move |_: ServiceCaller| std::future::ready(reply(described()));
        let router = router.route(&format!("/internal/v1/{}/openapi", self.spec.name), get(describe));
        let shared = EdgeShared {
            service: self.spec.name,
            config: self.http.clone(),
            clock: self.clock.clone(),
            verifier: self.verifier.clone(),
            service_keys: self.service_keys.clone(),
        };
        Edge::new(router, shared)
    }
}

/// What a service is made of.
#[derive(Debug)]
pub struct Parts {
    /// Its routes, with their whole public paths.
    pub router: Router,
    /// What it does besides answering.
    pub workers: Vec<Worker>,
    /// What must be well for it to be ready, besides its database.
    pub checks: Vec<Check>,
    /// The events that it handles.
    pub subscriptions: Vec<Subscription>,
    /// The sagas that it carries out.
    pub sagas: Vec<Flow>,
}

impl Parts {
    /// A service of these routes.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self { router, workers: Vec::new(), checks: Vec::new(), subscriptions: Vec::new(), sagas: Vec::new() }
    }

    /// Adds work that goes on until the stop. When it ends or fails before, the process stops.
    #[must_use]
    pub fn worker<F>(mut self, name: &'static str, work: impl FnOnce(Stop) -> F + Send + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.workers.push(Worker::new(name, work));
        self
    }

    /// Handles events. Its progress is kept under `name`, which is unique in the service and stays the same in every
    /// release; a new name begins with the oldest event that the bus still has.
    #[must_use]
    pub fn on<E: Event>(mut self, name: &'static str, handler: impl Handler<E>) -> Self {
        self.subscriptions.push(Subscription::new(name, handler));
        self
    }

    /// Adds a read model that follows the events of `store`.
    #[must_use]
    pub fn projection<P: Projection>(self, store: EventStore, projection: P) -> Self {
        self.worker(P::NAME, move |stop| async move {
            store.project_until(projection, stop).await;
            Ok(())
        })
    }

    /// Carries out the sagas of a flow.
    #[must_use]
    pub fn saga<S: Saga>(mut self, saga: S) -> Self {
        self.sagas.push(Flow::of(saga));
        self
    }

    /// Adds a readiness check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
}

type Work = Box<dyn FnOnce(Stop) -> Boxed<anyhow::Result<()>> + Send>;

/// Work that goes on until the stop.
pub struct Worker {
    pub(crate) name: &'static str,
    pub(crate) work: Work,
}

impl Worker {
    pub(crate) fn new<F>(name: &'static str, work: impl FnOnce(Stop) -> F + Send + 'static) -> Self
    where
        F: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        Self { name, work: Box::new(move |stop| Box::pin(work(stop))) }
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The settings of a service, its type put aside.
pub(crate) type AnyConfig = Box<dyn Any + Send>;

/// A service in the one list of the binary, its types put aside.
#[derive(Clone, Copy)]
pub struct Registration {
    /// What it is.
    pub spec: &'static Spec,
    pub(crate) load: fn(&mut Loader, &'static str) -> AnyConfig,
    pub(crate) build: fn(AnyConfig, Context) -> Boxed<anyhow::Result<Parts>>,
}

impl Registration {
    /// The registration of a service.
    #[must_use]
    pub const fn of<S: Service>() -> Self {
        Self {
            spec: const { &S::SPEC },
            load: |loader, name| Box::new(loader.section::<S::Config>(name)),
            build: |config, context| match config.downcast::<S::Config>() {
                Ok(config) => Box::pin(S::build(*config, context)),
                Err(_) => Box::pin(async { anyhow::bail!("the settings are another service's") }),
            },
        }
    }
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Registration").field(&self.spec.name).finish()
    }
}

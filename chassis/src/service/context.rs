//! What a service is given to build itself with.

use super::Spec;
use crate::bus::Bus;
use crate::cache::{Cache, Caches, Keepable, Policy};
use crate::clock::Clock;
use crate::config::Mode;
use crate::db::Db;
use crate::event_store::EventStore;
use crate::events::{DeadLetters, EventsConfig, Outbox};
use crate::flags::{Flag, Flags, Switch};
use crate::health::Readiness;
use crate::http::{Edge, EdgeShared, HttpConfig, Lane, Shedder, reply};
use crate::idempotency::{Idempotency, KeyedLayer};
use crate::identity::{ServiceCaller, ServiceKeys, Verifier};
use crate::jobs::Jobs;
use crate::limits::Limits;
use crate::mail::Mailer;
use crate::peer::{Directory, Peer};
use crate::saga::Sagas;
use crate::state::State;
use crate::stop::Stop;
use crate::wake::{Wake, Wakes};
use anyhow::Context as _;
use axum::Router;
use axum::routing::get;
use contract::readiness;
use secrecy::SecretString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a service is given to build itself with.
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) spec: &'static Spec,
    pub(crate) all: Arc<[&'static Spec]>,
    pub(crate) mode: Mode,
    pub(crate) data_dir: PathBuf,
    pub(crate) http: Arc<HttpConfig>,
    pub(crate) shedder: Arc<Shedder>,
    pub(crate) public_url: String,
    pub(crate) identity: Arc<crate::identity::IdentityConfig>,
    pub(crate) db: Option<Db>,
    pub(crate) mailer: Option<Mailer>,
    pub(crate) bus: Option<Bus>,
    pub(crate) events: Arc<EventsConfig>,
    pub(crate) outbox: Option<Outbox>,
    pub(crate) sagas: Option<Sagas>,
    pub(crate) jobs: Option<Jobs>,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) wakes: Wakes,
    pub(crate) state: State,
    pub(crate) limits: Limits,
    pub(crate) flags: Flags,
    pub(crate) caches: Caches,
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

    /// Puts work off from inside its transactions, and looks after what was put off.
    ///
    /// # Errors
    /// When its [`Spec`] declares no database, where jobs are kept.
    pub fn jobs(&self) -> anyhow::Result<Jobs> {
        self.jobs.clone().with_context(|| format!("{} declares no database in its SPEC", self.spec.name))
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

    /// How often somebody may ask: the policies of the settings, for its routes.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits.of(self.spec.name)
    }

    /// A cache of its own, which all its replicas share when there is Redis. Its name is unique in the service and stays the
    /// same in every release.
    ///
    /// # Errors
    /// When the name is taken or the policy makes no sense.
    pub fn cache<T: Keepable>(&self, name: &'static str, policy: Policy) -> anyhow::Result<Cache<T>> {
        self.caches.make(name, policy)
    }

    /// One of the flags that it declares (`Service::FLAGS`).
    ///
    /// # Errors
    /// When it is declared by no service, or by another one otherwise.
    pub fn flag(&self, flag: &Flag) -> anyhow::Result<Switch> {
        self.flags.switch(flag)
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

    /// The edge around a service's routes, to which are added its description, for the gateway to ask for, and whether it
    /// is ready, for the status service.
    pub(crate) fn edge(&self, router: Router, lane: Option<Arc<dyn Lane>>, readiness: Readiness) -> Edge {
        let described = self.spec.openapi;
        let describe = move |_: ServiceCaller| std::future::ready(reply(described()));
        let ask = move |_: ServiceCaller| {
            let readiness = readiness.clone();
            async move { reply(readiness.evaluate().await.told()) }
        };
        let router = router
            .route(&format!("/internal/v1/{}/openapi", self.spec.name), get(describe))
            .route(&readiness::path(self.spec.name), get(ask));
        let router = match &self.idempotency {
            // The door passes keys and bodies on as they come; who takes a key is behind it.
            Some(keys) if !self.spec.door => router.route_layer(KeyedLayer(keys.clone())),
            _ => router,
        };
        let shared = EdgeShared {
            service: self.spec.name,
            config: self.http.clone(),
            clock: self.clock.clone(),
            verifier: self.verifier.clone(),
            service_keys: self.service_keys.clone(),
            shedder: self.shedder.clone(),
        };
        Edge::new(router, shared, |router| router.layer(self.limits().general())).with_lane(lane)
    }
}

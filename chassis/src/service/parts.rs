//! What a service is made of.

use super::Boxed;
use crate::cache::{Cache, Core, Keepable};
use crate::db::Tx;
use crate::event_store::{EventStore, Projection};
use crate::events::{Handled, Handler, Received, Several, Subscription};
use crate::health::Check;
use crate::http::Lane;
use crate::invariant::Invariant;
use crate::jobs::Job;
use crate::saga::{Flow, Saga};
use crate::state::Invalidation;
use crate::stop::Stop;
use axum::Router;
use contract::event::Event;
use std::future::Future;
use std::sync::Arc;

/// What a service is made of.
#[derive(Debug)]
pub struct Parts {
    /// Its routes, with their whole public paths.
    pub router: Router,
    /// Routes that may change while it runs, asked for before those of the router.
    pub lane: Option<Arc<dyn Lane>>,
    /// What it does besides answering.
    pub workers: Vec<Worker>,
    /// What must be well for it to be ready, besides its database.
    pub checks: Vec<Check>,
    /// The events that it handles.
    pub subscriptions: Vec<Subscription>,
    /// The sagas that it carries out.
    pub sagas: Vec<Flow>,
    /// The jobs that it carries out.
    pub jobs: Vec<Job>,
    /// What must hold over everything that it keeps.
    pub invariants: Vec<Invariant>,
}

impl Parts {
    /// A service of these routes.
    #[must_use]
    pub fn new(router: Router) -> Self {
        Self {
            router,
            lane: None,
            workers: Vec::new(),
            checks: Vec::new(),
            subscriptions: Vec::new(),
            sagas: Vec::new(),
            jobs: Vec::new(),
            invariants: Vec::new(),
        }
    }

    /// Has these routes asked for before those of the router. They count their own requests against the limits.
    #[must_use]
    pub fn lane(mut self, lane: Arc<dyn Lane>) -> Self {
        self.lane = Some(lane);
        self
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

    /// Handles several events of one topic, those of one key in their order, whatever type they are. The name is as that of
    /// [`Parts::on`].
    #[must_use]
    pub fn on_each(mut self, name: &'static str, several: Several) -> Self {
        self.subscriptions.push(Subscription::several(name, several));
        self
    }

    /// Forgets what an event makes wrong, in every instance of the service, however the process that published it ended;
    /// `what` says which copies of `cache` that is. While Redis is away the event is tried again as any other.
    #[must_use]
    pub fn invalidates<E: Event, T: Keepable>(
        self,
        name: &'static str,
        cache: &Cache<T>,
        what: impl Fn(&Cache<T>, &E) -> Invalidation + Send + Sync + 'static,
    ) -> Self {
        let (core, cache) = (Arc::clone(cache.core()), cache.clone());
        self.on::<E>(name, Forgets { core, what: move |event: &E| what(&cache, event) })
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

    /// Carries out a job: periodic work of which one instance does each run, or what is done with queued tasks.
    #[must_use]
    pub fn job(mut self, job: Job) -> Self {
        self.jobs.push(job);
        self
    }

    /// Adds a rule over everything that it keeps.
    #[must_use]
    pub fn invariant(mut self, invariant: Invariant) -> Self {
        self.invariants.push(invariant);
        self
    }

    /// Adds a readiness check.
    #[must_use]
    pub fn check(mut self, check: Check) -> Self {
        self.checks.push(check);
        self
    }
}

/// Forgets what an event makes wrong.
struct Forgets<F> {
    core: Arc<Core>,
    what: F,
}

impl<E: Event, F: Fn(&E) -> Invalidation + Send + Sync + 'static> Handler<E> for Forgets<F> {
    async fn handle(&self, _: &mut Tx, event: Received<E>) -> Handled {
        // Before the event counts as handled: a process that dies in between gets it again.
        Ok(self.core.invalidate((self.what)(&event.data)).await?)
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

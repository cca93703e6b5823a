//! Services built and connected, before anything listens. What the run loop serves, and what tests call directly.

use super::foundation::{Foundation, described, divide};
use super::{Platform, ProcessConfig, Targets};
use crate::clock::Clock;
use crate::db::Db;
use crate::durability::guard;
use crate::health::{Check, Readiness};
use crate::http::{Behind, Front};
use crate::identity::{AUTH, follow};
use crate::invariant::Books;
use crate::peer::Seen;
use crate::service::{Context, Parts, Spec, Worker};
use crate::stop::Stop;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// How often the gauges of the connection pools are set.
const GAUGE_EVERY: Duration = Duration::from_secs(5);

/// What a worker said when it ended, with its name.
pub(super) type Ended = (String, anyhow::Result<()>);

/// The services of a process, built, connected and at work. Dropping it ends the workers at once.
#[derive(Debug)]
pub struct Assembled {
    pub(super) front: Front,
    pub(super) checks: Vec<Check>,
    pub(super) workers: JoinSet<Ended>,
    pub(super) databases: BTreeMap<&'static str, Db>,
    pub(super) process: ProcessConfig,
    books: Books,
    shared: Context,
}

impl Assembled {
    /// Opens databases, builds the targets, connects them and starts their workers.
    ///
    /// # Errors
    /// When a target cannot be built, or needs a peer that is neither a target nor has a URL; in production when an engine
    /// keeps less safe than is demanded.
    pub async fn of(
        mut platform: Platform,
        targets: &Targets,
        listening: Option<SocketAddr>,
        clock: Clock,
        stop: Stop,
    ) -> anyhow::Result<Self> {
        install_crypto();
        let (all, targets) = divide(&mut platform, targets);
        let specs: Vec<&Spec> = targets.iter().map(|(registration, _)| registration.spec).collect();
        check_needs(&specs, &platform.peers)?;
        let (durability, board) = (platform.durability.clone(), platform.board.clone());
        let books = platform.books.clone();
        let foundation = Foundation::lay(platform, &all, &targets, listening, clock, stop.clone()).await?;
        let Foundation { process, databases, shared, .. } = &foundation;
        let later =
            guard(process.mode, &durability, databases, &shared.state, shared.bus.as_ref(), &board).await?;
        let mut assembly =
            Assembly { behind: Vec::new(), checks: Vec::new(), workers: JoinSet::new(), books, stop };
        for (registration, config) in targets {
            let context = foundation.context(registration.spec)?;
            let parts = (registration.build)(config, context.clone()).await;
            let cannot = || format!("cannot build {}", registration.spec.name);
            assembly.add(&context, parts.with_context(cannot)?).with_context(cannot)?;
        }
        assembly.follow_auth(&foundation.shared);
        if foundation.shared.directory.has_to_discover() {
            let directory = foundation.shared.directory.clone();
            let discover = |stop| async move {
                directory.discover(stop).await;
                Ok(())
            };
            assembly.start("chassis", Worker::new("discovery", discover));
        }
        if let Some(carrier) = foundation.carrier {
            assembly.start("chassis", Worker::new("wake", |stop| carrier.carry(stop)));
        }
        if let Some(listener) = foundation.listener {
            assembly.start("chassis", Worker::new("state", |stop| listener.listen(stop)));
        }
        if let Some(bus) = foundation.shared.bus.clone() {
            assembly.start("chassis", Worker::new("bus", |stop| bus.maintain(stop)));
        }
        let reload = foundation.reload;
        let follow = |stop| async move {
            reload.follow(stop).await;
            Ok(())
        };
        assembly.start("chassis", Worker::new("settings", follow));
        if let Some(later) = later {
            assembly.start("chassis", Worker::new("durability", |stop| later.ask(stop)));
        }
        assembly.gauge_databases(foundation.databases.values().cloned().collect());
        Ok(Self {
            front: Front::new(assembly.behind),
            checks: assembly.checks,
            workers: assembly.workers,
            databases: foundation.databases,
            process: foundation.process,
            books: assembly.books,
            shared: foundation.shared,
        })
    }

    /// What stands behind the public listener.
    #[must_use]
    pub fn front(&self) -> &Front {
        &self.front
    }

    /// The peers as they are seen from here.
    #[must_use]
    pub fn peers(&self) -> Vec<Seen> {
        self.shared.directory.seen()
    }

    /// What must hold over everything that the services keep.
    #[must_use]
    pub fn books(&self) -> &Books {
        &self.books
    }

    /// What all services share.
    #[must_use]
    pub fn shared(&self) -> &Context {
        &self.shared
    }

    /// Waits for the databases and the bus to come to rest, and closes them.
    pub(super) async fn close(&self) {
        for db in self.databases.values() {
            db.close().await;
        }
        if let Some(bus) = &self.shared.bus {
            bus.close().await;
        }
    }

    /// The database of a service; `None` when it has none or does not run here.
    #[must_use]
    pub fn database(&self, service: &str) -> Option<&Db> {
        self.databases.get(service)
    }

    pub(super) fn described(&self) -> Vec<(&'static str, String)> {
        described(&self.databases)
    }
}

/// The one crypto provider; a second call, as in a test, changes nothing.
pub(super) fn install_crypto() {
    drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
}

fn check_needs(targets: &[&Spec], peers: &BTreeMap<String, String>) -> anyhow::Result<()> {
    for Spec { name, needs, .. } in targets {
        let absent =
            |need: &&&str| !targets.iter().any(|spec| spec.name == **need) && !peers.contains_key(**need);
        if let Some(need) = needs.iter().find(absent) {
            let variable = need.to_uppercase();
            bail!(
                "{name} needs {need}: make it a target too, or set peers.{need} (BOWLINE_PEERS__{variable}) to its URL"
            );
        }
    }
    Ok(())
}

/// Whether this process can verify access tokens.
fn identity_check(context: &Context) -> Check {
    let verifier = context.verifier().clone();
    Check::new("identity", move || {
        let verifier = verifier.clone();
        async move { verifier.check() }
    })
}

/// The parts of the services, put together.
struct Assembly {
    behind: Vec<Behind>,
    checks: Vec<Check>,
    workers: JoinSet<Ended>,
    books: Books,
    stop: Stop,
}

impl Assembly {
    fn add(&mut self, context: &Context, parts: Parts) -> anyhow::Result<()> {
        let spec = context.spec();
        let mut checks = parts.checks;
        if let Ok(db) = context.db() {
            let check = Check::new(format!("{}.database", spec.name), move || {
                let db = db.clone();
                async move { db.ping().await.map_err(|_| "the database does not answer".to_owned()) }
            });
            // What passes through the door needs none of its data.
            checks.push(if spec.door { check.of_a_part() } else { check });
        }
        if let Ok(mailer) = context.mailer() {
            let deliver = move |stop| async move {
                mailer.deliver_until(stop).await;
                Ok(())
            };
            self.start(spec.name, Worker::new("mail", deliver));
        }
        if let Some(keys) = context.idempotency.clone() {
            let look_after = |stop| async move {
                keys.look_after(stop).await;
                Ok(())
            };
            self.start(spec.name, Worker::new("idempotency", look_after));
        }
        for worker in context.event_workers(parts.subscriptions)? {
            self.start(spec.name, worker);
        }
        if !parts.sagas.is_empty() {
            let (sagas, flows) = (context.sagas()?, parts.sagas);
            self.start(spec.name, Worker::new("sagas", |stop| async move { sagas.run(flows, stop).await }));
        }
        if let Some(worker) = context.jobs_worker(parts.jobs)? {
            self.start(spec.name, worker);
        }
        if let Some(work) = context.caches.work() {
            self.start(spec.name, Worker::new("cache", work));
        }
        self.checks.extend(checks.iter().cloned());
        if spec.needs.contains(&AUTH) {
            // The check of the process, which each service that reads tokens answers for too.
            checks.push(identity_check(context));
        }
        self.books.add(spec.name, parts.invariants);
        for worker in parts.workers {
            self.start(spec.name, worker);
        }
        let readiness = Readiness::of_service(self.stop.clone(), Handle::current(), checks);
        let edge = context.edge(parts.router, parts.lane, readiness);
        context.directory.connect(&edge);
        self.behind.push(Behind { edge, door: spec.door, owns: spec.owns, well_known: spec.well_known });
        Ok(())
    }

    /// Keeps the process's verifier up to date, wherever the auth service is.
    fn follow_auth(&mut self, shared: &Context) {
        let Some(auth) = shared.directory.peer("chassis", AUTH) else { return };
        let verifier = shared.verifier().clone();
        let follow = |stop| async move {
            follow(verifier, auth.caller(), stop).await;
            Ok(())
        };
        self.start("chassis", Worker::new("identity", follow));
        self.checks.push(identity_check(shared));
    }

    /// Keeps the gauges of the connection pools true.
    fn gauge_databases(&mut self, databases: Vec<Db>) {
        let gauge = |stop: Stop| async move {
            let mut ticks = tokio::time::interval(GAUGE_EVERY);
            loop {
                tokio::select! {
                    _ = ticks.tick() => databases.iter().for_each(Db::record_metrics),
                    () = stop.stopping() => return Ok(()),
                }
            }
        };
        self.start("chassis", Worker::new("metrics", gauge));
    }

    fn start(&mut self, service: &str, worker: Worker) {
        let name = format!("{service}.{}", worker.name);
        let work = (worker.work)(self.stop.clone());
        self.workers.spawn(async move { (name, work.await) });
    }
}

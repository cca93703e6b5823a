//! From settings to a process that serves.

use super::foundation::{Foundation, Target, described, divide};
use super::halt::Running;
use super::{Platform, Started, Targets};
use crate::clock::Clock;
use crate::health::{Check, Readiness};
use crate::http::{Behind, Front, Listener};
use crate::identity::{AUTH, follow};
use crate::ops::{Info, Ops, OpsState};
use crate::service::{Context, Parts, Spec, Worker};
use crate::stop::{self, Stop};
use crate::telemetry;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use tokio::runtime::Handle;
use tokio::task::JoinSet;
use tokio::time::Instant;

pub(super) async fn boot(
    mut platform: Platform,
    wanted: &Targets,
    version: &'static str,
) -> anyhow::Result<Running> {
    let began = Instant::now();
    install_crypto();
    let telemetry = telemetry::init(&platform.telemetry, version)?;
    let signals = stop::signals().context("cannot listen for signals")?;
    let (stopper, stop) = stop::channel();
    let ops = Ops::bind(&platform.ops)?;
    let listener = Listener::bind(&platform.http)?;
    let public = listener.address();
    let (all, targets) = divide(&mut platform, wanted);
    check_needs(&targets, &platform.peers)?;

    let readiness = Readiness::new(stop.clone(), Handle::current());
    let clock = Clock::system();
    let database = if platform.database.url.is_some() { "postgresql" } else { "sqlite" };
    let info = Info {
        name: "bowline",
        version,
        started_at: clock.now(),
        targets: wanted.names().iter().map(|name| (*name).to_owned()).collect(),
        engines: BTreeMap::from([("database", database.to_owned())]),
    };
    let ops = ops.serve(OpsState {
        readiness: readiness.clone(),
        telemetry: telemetry.clone(),
        info,
        mode: platform.process.mode,
        clock,
    })?;

    let foundation = Foundation::lay(platform, &all, &targets, Some(public), stop.clone()).await?;
    let mut assembly =
        Assembly { behind: Vec::new(), checks: Vec::new(), workers: JoinSet::new(), stop: stop.clone() };
    for (registration, config) in targets {
        let context = foundation.context(registration.spec);
        let parts = (registration.build)(config, context.clone()).await;
        assembly.add(&context, parts.with_context(|| format!("cannot build {}", registration.spec.name))?);
    }
    assembly.follow_auth(&foundation.shared);
    let serving = listener.serve(&Front::new(assembly.behind), foundation.shared.http(), &stop)?;
    readiness.booted(assembly.checks);
    let databases = described(&foundation.databases);
    let started = Started { public, ops: ops.address(), databases, took: began.elapsed() };
    let ms = u64::try_from(started.took.as_millis()).unwrap_or(u64::MAX);
    tracing::info!(%public, ops = %started.ops, targets = wanted.names().join(","), ms, "started");
    Ok(Running {
        started,
        process: foundation.process,
        signals: Box::pin(signals),
        stopper,
        workers: assembly.workers,
        serving,
        databases: foundation.databases.into_values().collect(),
        ops,
        telemetry,
    })
}

/// The one crypto provider; a second call, as in a test, changes nothing.
pub(super) fn install_crypto() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default().is_ok();
}

fn check_needs(targets: &[Target], peers: &BTreeMap<String, String>) -> anyhow::Result<()> {
    let here = |name: &str| targets.iter().any(|(registration, _)| registration.spec.name == name);
    for (registration, _) in targets {
        let Spec { name, needs, .. } = registration.spec;
        for need in needs.iter().filter(|need| !here(need) && !peers.contains_key(**need)) {
            let variable = need.to_uppercase();
            bail!(
                "{name} needs {need}: make it a target too, or set peers.{need} (BOWLINE_PEERS__{variable}) to its URL"
            );
        }
    }
    Ok(())
}

/// The parts of the services, put together.
struct Assembly {
    behind: Vec<Behind>,
    checks: Vec<Check>,
    workers: JoinSet<(String, anyhow::Result<()>)>,
    stop: Stop,
}

impl Assembly {
    fn add(&mut self, context: &Context, parts: Parts) {
        let spec = context.spec();
        if let Ok(db) = context.db() {
            self.checks.push(Check::new(format!("{}.database", spec.name), move || {
                let db = db.clone();
                async move { db.ping().await.map_err(|_| "the database does not answer".to_owned()) }
            }));
        }
        self.checks.extend(parts.checks);
        for worker in parts.workers {
            self.start(spec.name, worker);
        }
        let edge = context.edge(parts.router);
        context.directory.connect(&edge);
        self.behind.push(Behind { edge, door: spec.door, owns: spec.owns, well_known: spec.well_known });
    }

    /// Keeps the process's verifier up to date, wherever the auth service is.
    fn follow_auth(&mut self, shared: &Context) {
        let Some(auth) = shared.directory.peer("chassis", AUTH) else { return };
        let verifier = shared.verifier().clone();
        self.start(
            "chassis",
            Worker::new("identity", move |stop| async move {
                follow(verifier, auth.caller(), stop).await;
                Ok(())
            }),
        );
        let verifier = shared.verifier().clone();
        self.checks.push(Check::new("identity", move || {
            let verifier = verifier.clone();
            async move { verifier.check() }
        }));
    }

    fn start(&mut self, service: &str, worker: Worker) {
        let name = format!("{service}.{}", worker.name);
        let work = (worker.work)(self.stop.clone());
        self.workers.spawn(async move { (name, work.await) });
    }
}

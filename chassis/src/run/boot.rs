//! From settings to a process that serves.

use super::assemble::Assembled;
use super::halt::Running;
use super::{Platform, Started, Targets};
use crate::clock::Clock;
use crate::health::Readiness;
use crate::http::Listener;
use crate::http::tls::Tls;
use crate::ops::{Info, Ops, OpsState};
use crate::stop;
use crate::telemetry::Telemetry;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::time::Instant;

pub(super) async fn boot(
    platform: Platform,
    targets: &Targets,
    version: &'static str,
    telemetry: &Telemetry,
) -> anyhow::Result<Running> {
    let began = Instant::now();
    let clock = Clock::system();
    let (stopper, stop) = stop::channel();
    let ops = Ops::bind(&platform.ops)?;
    let tls = Tls::open(&platform.tls, platform.process.mode, &platform.process.data_dir)?;
    let listener = Listener::bind_with(&platform.http, tls.as_ref())?;
    let (public, secure) = (listener.address(), listener.secure_address());
    let reload = Duration::from_secs(platform.process.reload_secs);

    // From here on the process is alive and says that it is not ready.
    let readiness = Readiness::new(stop.clone(), Handle::current());
    let info = Info {
        name: "bowline",
        version,
        started_at: clock.now(),
        targets: targets.names().iter().map(|name| (*name).to_owned()).collect(),
        engines: platform.database_engine(targets).map(|engine| ("database", engine)).into_iter().collect(),
        durability: platform.board.clone(),
        peers: platform.seen.clone(),
        jobs: platform.jobs_board.clone(),
        books: platform.books.clone(),
        flags: platform.flags.clone(),
    };
    let ops = ops.serve(OpsState {
        readiness: readiness.clone(),
        telemetry: telemetry.clone(),
        info,
        mode: platform.process.mode,
        clock: clock.clone(),
    })?;

    let mut assembled = Assembled::of(platform, targets, Some(public), clock.clone(), stop.clone()).await?;
    if let Some(tls) = tls {
        let follow = tls.follow(reload, clock, stop.clone());
        assembled.workers.spawn(async move { ("chassis.tls".to_owned(), follow.await) });
    }
    let serving = listener.serve(assembled.front(), assembled.shared().http(), &stop)?;
    readiness.booted(std::mem::take(&mut assembled.checks));
    let started = Started {
        public,
        secure,
        ops: ops.address(),
        databases: assembled.described(),
        took: began.elapsed(),
    };
    let ms = u64::try_from(started.took.as_millis()).unwrap_or(u64::MAX);
    let secure = secure.map(tracing::field::display);
    tracing::info!(%public, secure, ops = %started.ops, targets = targets.names().join(","), ms, "started");
    Ok(Running { started, stopper, assembled, serving, ops })
}

//! Outages under load: a server is stopped, stays away, and comes back.

use super::audit::{self, Service, Verdict};
use super::load::{Entry, Progress, under_load};
use super::random::Random;
use super::stage::Stage;
use crate::bench::http::{Connection, post};
use crate::process::interrupted;
use anyhow::{Context, Result, bail};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Load before the outage and after it.
const AROUND: Duration = Duration::from_secs(3);
/// Within this time after the server is back, service is normal again.
pub(super) const NORMAL_LIMIT: Duration = Duration::from_secs(10);
/// Waited for in any case, so that a promise that was missed is measured.
const GIVE_UP: Duration = Duration::from_secs(60);
const ASK_EVERY: Duration = Duration::from_millis(20);
const PROBE_LIMIT: Duration = Duration::from_secs(5);

/// Which server is away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Away {
    Broker,
    Database,
}

/// What one outage did.
pub(super) struct Outcome {
    pub(super) requests: u64,
    /// Acknowledged while the server was away.
    pub(super) meanwhile: u64,
    /// From the server's return until a request was acknowledged, and until a fresh event was counted.
    pub(super) acknowledged_after: Duration,
    pub(super) counted_after: Duration,
    pub(super) verdict: Verdict,
}

pub(super) fn run(stage: &mut Stage, away: Away, length: Duration, random: &mut Random) -> Result<Outcome> {
    let progress = Progress::default();
    let ports = stage.cluster.ports("ledger");
    let mut probes = Random::new(random.next(), 1);
    let (mut acknowledged, (meanwhile, after, probe)) = under_load(&ports, random, &progress, || {
        watch(stage, AROUND)?;
        stop(stage, away)?;
        let before = progress.acknowledged.load(Ordering::Relaxed);
        watch(stage, length)?;
        let meanwhile = progress.acknowledged.load(Ordering::Relaxed) - before;
        restart(stage, away)?;
        let (after, probe) = until_normal(stage, &mut probes)?;
        watch(stage, AROUND)?;
        Ok((meanwhile, after, probe))
    })?;
    acknowledged.entries.push(probe);
    let mut verdict = audit::audit(&mut stage.cluster, &acknowledged)?;
    if away == Away::Broker && meanwhile == 0 {
        verdict.faults.push("nothing was acknowledged while the broker was away".to_owned());
    }
    if after.1 > NORMAL_LIMIT {
        verdict.faults.push(format!("service was not normal within {NORMAL_LIMIT:?}"));
    }
    Ok(Outcome {
        requests: progress.requests.load(Ordering::Relaxed),
        meanwhile,
        acknowledged_after: after.0,
        counted_after: after.1,
        verdict,
    })
}

/// Lets the load go on for this long and looks whether all processes stay alive.
fn watch(stage: &mut Stage, length: Duration) -> Result<()> {
    let end = Instant::now() + length;
    while Instant::now() < end {
        stage.cluster.look()?;
        std::thread::sleep(ASK_EVERY);
    }
    Ok(())
}

fn stop(stage: &mut Stage, away: Away) -> Result<()> {
    match away {
        Away::Broker => stage.nats.as_mut().context("no NATS here")?.stop(),
        Away::Database => stage.postgres.as_mut().context("no PostgreSQL here")?.stop(),
    }
}

fn restart(stage: &mut Stage, away: Away) -> Result<()> {
    match away {
        Away::Broker => stage.nats.as_mut().context("no NATS here")?.restart(),
        Away::Database => stage.postgres.as_mut().context("no PostgreSQL here")?.restart(),
    }
}

/// Posts an entry to an account of its own until it is acknowledged, and waits until the counter has counted it.
fn until_normal(stage: &mut Stage, random: &mut Random) -> Result<((Duration, Duration), Entry)> {
    let back = Instant::now();
    let probe = Entry { id: random.uuid(), account: format!("probe-{}", random.next()), amount: 1 };
    let ledger = *stage.cluster.ports("ledger").first().context("no ledger")?;
    let json = format!(r#"{{"id":"{}","account":"{}","amount":1}}"#, probe.id, probe.account);
    let ask = || {
        Connection::open_within(ledger, PROBE_LIMIT)?.ask(post("/api/v1/ledger/entries", &json).as_bytes())
    };
    while !ask().is_ok_and(|answer| matches!(answer.status, 200 | 201)) {
        again(stage, back, "an acknowledged request")?;
    }
    let acknowledged = back.elapsed();
    let counter = Service::of(&stage.cluster, "counter")?;
    let path = format!("/api/v1/counter/accounts/{}", probe.account);
    while !counter.get(&path).is_ok_and(|tally| tally["entries"] == 1) {
        again(stage, back, "a counted event")?;
    }
    Ok(((acknowledged, back.elapsed()), probe))
}

fn again(stage: &mut Stage, back: Instant, what: &str) -> Result<()> {
    stage.cluster.look()?;
    if back.elapsed() > GIVE_UP || interrupted() {
        bail!("{GIVE_UP:?} after the server was back there was not {what}");
    }
    std::thread::sleep(ASK_EVERY);
    Ok(())
}

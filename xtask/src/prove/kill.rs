//! Kills under load: a random process, at a random moment, with SIGKILL.

use super::audit::{self, Verdict};
use super::load::{Progress, under_load};
use super::random::Random;
use super::stage::Stage;
use anyhow::{Context, Result};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Between the moment that all are ready and the next kill.
const SOONEST: Duration = Duration::from_millis(20);
const LATEST: Duration = Duration::from_millis(700);
const TELL_EVERY: Duration = Duration::from_secs(10);

/// What one run of kills did.
pub(super) struct Outcome {
    pub(super) kills: usize,
    pub(super) requests: u64,
    pub(super) verdict: Verdict,
}

/// Kills `kills` times, then looks into the books.
pub(super) fn run(name: &str, stage: &mut Stage, kills: usize, random: &mut Random) -> Result<Outcome> {
    let progress = Progress::default();
    let ports = stage.cluster.ports("ledger");
    let mut victims = Random::new(random.next(), 1);
    let (acknowledged, ()) = under_load(&ports, random, &progress, || {
        let mut told = Instant::now();
        for kill in 1..=kills {
            let index = usize::try_from(victims.below(stage.cluster.len() as u64))?;
            // One in four hits while a process is still starting.
            if !victims.once_in(4) {
                stage.cluster.wait_until_ready()?;
            }
            std::thread::sleep(victims.pause(SOONEST, LATEST));
            stage.cluster.look()?;
            let killed = stage.cluster.kill_and_restart(index);
            killed.with_context(|| format!("kill {kill}, of {}", stage.cluster.name(index)))?;
            if told.elapsed() > TELL_EVERY || kill == kills {
                tell(name, kill, kills, &progress);
                told = Instant::now();
            }
        }
        stage.cluster.wait_until_ready()
    })?;
    let verdict = audit::audit(&mut stage.cluster, &acknowledged)?;
    Ok(Outcome { kills, requests: progress.requests.load(Ordering::Relaxed), verdict })
}

fn tell(name: &str, kill: usize, kills: usize, progress: &Progress) {
    let (requests, acknowledged) =
        (progress.requests.load(Ordering::Relaxed), progress.acknowledged.load(Ordering::Relaxed));
    eprintln!("    {name}: {kill} of {kills} kills, {requests} requests, {acknowledged} acknowledged");
}

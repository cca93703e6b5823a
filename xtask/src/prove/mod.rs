//! `cargo xtask prove`: nothing acknowledged is lost or doubled, whatever is killed when.
//!
//! The tiny services of testkit run as real processes under load. Random ones are killed with SIGKILL at random moments
//! and started again, on each database and each bus; then the broker and PostgreSQL are away for half a minute. At the end
//! the books are compared entry by entry. Then Redis is away under logins and requests on two replicas of the platform. Last,
//! `bowline prove` puts the whole platform to its own proof: buyers at a shop with too little of everything.
//!
//! What must hold: a run that fails says with which seed it can be repeated and keeps its folder; one that succeeds, fails
//! or is interrupted leaves no process behind. What a seed repeats is the choice of victims, pauses, accounts and ids, not
//! the machine's own timing.

mod audit;
pub(crate) mod build;
mod cluster;
mod kill;
mod load;
mod outage;
mod random;
mod redis;
mod shop;
pub(crate) mod stage;

use crate::bench::table;
use crate::process::{Hold, interrupted};
use anyhow::{Context, Result, bail};
use build::{Profile, Tiny};
use outage::Away;
use random::Random;
use shop::Cut;
use stage::{Bus, Database, Stage};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use testkit::Folder;

/// How long a server is away.
const OUTAGE: Duration = Duration::from_secs(30);
/// How long Redis is away in a quick run: no longer proof, more of the same.
const QUICK_REDIS_OUTAGE: Duration = Duration::from_secs(10);
const QUICK_KILLS: usize = 204;
const KILLS: usize = 1_200;
const KILLS_IN_SHORT: usize = 24;
/// Who buys at the same time in the shop.
const BUYERS: usize = 200;
const BUYERS_IN_SHORT: usize = 40;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask prove --quick                     200 kills and the outages, in under eight minutes
  cargo xtask prove                             1,200 kills
  cargo xtask prove --quick --only postgresql/nats   one combination
  cargo xtask prove --quick --only outage       the outages alone
  cargo xtask prove --quick --seed 424242       the same choices as in the run that printed this seed

A combination is a database and a bus: sqlite/embedded, sqlite/nats, sqlite/kafka, postgresql/embedded, ..; then come
outage/broker, outage/database and outage/redis, and `bowline prove` on its shop:
shop/one/orchestration, shop/cluster/choreography, .. A run that fails keeps its folder with the data and the logs.")]
pub(crate) struct Arguments {
    /// A good 200 kills instead of 1,200.
    #[arg(long)]
    quick: bool,
    /// Repeats the choices of a run.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Only what has this in its name.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Kills over all combinations that run.
    #[arg(long, value_name = "NUMBER")]
    kills: Option<usize>,
    /// Take the build as it is.
    #[arg(long)]
    no_build: bool,
}

/// One thing to prove.
#[derive(Debug, Clone, Copy)]
enum Proof {
    Kills(Database, Bus),
    Outage(Away),
    Redis,
    Shop(Cut),
}

impl Proof {
    fn all() -> impl Iterator<Item = Self> {
        let kills = Database::ALL
            .into_iter()
            .flat_map(|database| Bus::ALL.into_iter().map(move |bus| Self::Kills(database, bus)));
        let outages = [Self::Outage(Away::Broker), Self::Outage(Away::Database), Self::Redis];
        kills.chain(outages).chain(Cut::ALL.map(Self::Shop))
    }

    fn name(self) -> String {
        match self {
            Self::Kills(database, bus) => format!("{}/{}", database.name(), bus.name()),
            Self::Outage(Away::Broker) => "outage/broker".to_owned(),
            Self::Outage(Away::Database) => "outage/database".to_owned(),
            Self::Redis => "outage/redis".to_owned(),
            Self::Shop(cut) => cut.name(),
        }
    }
}

/// A few kills in every combination, and the outages: what a change has to pass. The binaries are those that the tests
/// were built with.
///
/// # Errors
/// As [`run`].
pub(crate) fn in_short() -> Result<()> {
    run(&Arguments { quick: true, seed: None, only: None, kills: Some(KILLS_IN_SHORT), no_build: true })
}

/// Proves it.
///
/// # Errors
/// When something could not be started, when anything was lost or doubled, or when service took too long to return.
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let _hold = Hold::new();
    let wanted = |proof: &Proof| arguments.only.as_ref().is_none_or(|only| proof.name().contains(only));
    let proofs: Vec<_> = Proof::all().filter(wanted).collect();
    let combinations =
        proofs.iter().filter(|proof| matches!(proof, Proof::Kills(..) | Proof::Shop(_))).count();
    if proofs.is_empty() {
        let names: Vec<_> = Proof::all().map(Proof::name).collect();
        bail!("--only names none of these: {}", names.join(", "));
    }
    let kills = arguments.kills.unwrap_or(if arguments.quick { QUICK_KILLS } else { KILLS });
    let each = kills.div_ceil(combinations.max(1));
    let seed = arguments.seed.unwrap_or_else(Random::fresh_seed);
    let platform = proofs.iter().filter(|proof| matches!(proof, Proof::Redis | Proof::Shop(_))).count();
    let means = Means {
        tiny: (proofs.len() > platform)
            .then(|| Tiny::build(Profile::Debug, arguments.no_build))
            .transpose()?,
        platform: (platform > 0).then(|| build::platform(arguments.no_build)).transpose()?,
        redis_outage: if arguments.quick { QUICK_REDIS_OUTAGE } else { OUTAGE },
        buyers: if kills < QUICK_KILLS { BUYERS_IN_SHORT } else { BUYERS },
    };
    let began = Instant::now();
    eprintln!("==> seed {seed}");
    let mut report = Report::default();
    for (number, proof) in proofs.iter().enumerate() {
        if interrupted() {
            bail!("interrupted");
        }
        eprintln!("==> {} ({} of {})", proof.name(), number + 1, proofs.len());
        report.add(*proof, &means, each, seed)?;
    }
    report.print(seed, began.elapsed())
}

/// What proofs are made with.
struct Means {
    tiny: Option<Tiny>,
    platform: Option<PathBuf>,
    redis_outage: Duration,
    buyers: usize,
}

/// The rows of the table, and what was not as promised.
#[derive(Default)]
struct Report {
    rows: Vec<[String; 9]>,
    kills: usize,
    faults: Vec<String>,
}

impl Report {
    fn add(&mut self, proof: Proof, means: &Means, kills: usize, seed: u64) -> Result<()> {
        let began = Instant::now();
        let home = Folder::new("prove")?;
        // By name, so that `--only` does not change what a seed chooses.
        let part = proof.name().bytes().fold(0, |part: u64, byte| part.wrapping_mul(31) + u64::from(byte));
        let mut random = Random::new(seed, part);
        let faults = match self.prove(proof, means, kills, &home, &mut random, began) {
            Ok(faults) => faults,
            Err(error) if interrupted() => return Err(error),
            Err(error) => vec![format!("{error:#}")],
        };
        if faults.is_empty() {
            return Ok(());
        }
        for fault in faults {
            eprintln!("    {fault}");
            self.faults.push(format!("{}: {fault}", proof.name()));
        }
        let kept = home.keep();
        eprintln!(
            "    data and logs are kept in {}; repeat with `cargo xtask prove --only {} --kills {kills} --seed {seed}`",
            kept.display(),
            proof.name()
        );
        Ok(())
    }

    fn prove(
        &mut self,
        proof: Proof,
        means: &Means,
        kills: usize,
        home: &Folder,
        random: &mut Random,
        began: Instant,
    ) -> Result<Vec<String>> {
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        let (database, bus, away) = match proof {
            Proof::Kills(database, bus) => (database, bus, None),
            Proof::Outage(away) => (Database::Postgres, Bus::Nats, Some(away)),
            Proof::Redis => return self.prove_redis(means, home, random, began),
            Proof::Shop(cut) => return self.prove_shop(means, home, cut, kills, random, began),
        };
        let tiny = means.tiny.as_ref().context("the tiny services were not built")?;
        let mut stage = Stage::set(tiny, home.path(), database, bus)?;
        let (kills, requests, normal, verdict) = match away {
            None => {
                let outcome = kill::run(&proof.name(), &mut stage, kills, random)?;
                (outcome.kills, outcome.requests, "-".to_owned(), outcome.verdict)
            }
            Some(away) => {
                let outcome = outage::run(&mut stage, away, OUTAGE, random)?;
                let (asked, counted) = (outcome.acknowledged_after, outcome.counted_after);
                eprintln!(
                    "    {} acknowledged while it was away; after its return a request was acknowledged in {}, a fresh \
                     event counted in {}",
                    outcome.meanwhile,
                    seconds(asked),
                    seconds(counted)
                );
                (0, outcome.requests, seconds(counted), outcome.verdict)
            }
        };
        stage.strike()?;
        self.kills += kills;
        self.rows.push([
            proof.name(),
            kills.to_string(),
            requests.to_string(),
            verdict.acknowledged.to_string(),
            format!("{} / {}", verdict.counted, verdict.returned),
            format!("{} / {}", verdict.transfers.0, verdict.transfers.1),
            seconds(verdict.through),
            normal,
            seconds(began.elapsed()),
        ]);
        Ok(verdict.faults)
    }

    fn prove_shop(
        &mut self,
        means: &Means,
        home: &Folder,
        cut: Cut,
        kills: usize,
        random: &mut Random,
        began: Instant,
    ) -> Result<Vec<String>> {
        let binary = means.platform.as_ref().context("the platform was not built")?;
        let outcome = shop::run(binary, home.path(), cut, means.buyers, kills, random.below(1_000_000_000))?;
        let none = || "-".to_owned();
        self.kills += outcome.kills;
        self.rows.push([
            Proof::Shop(cut).name(),
            outcome.kills.to_string(),
            outcome.requests.to_string(),
            format!("{} orders", outcome.orders),
            none(),
            none(),
            none(),
            none(),
            format!("{:.1} s", began.elapsed().as_secs_f64()),
        ]);
        Ok(outcome.faults)
    }

    fn prove_redis(
        &mut self,
        means: &Means,
        home: &Folder,
        random: &mut Random,
        began: Instant,
    ) -> Result<Vec<String>> {
        let binary = means.platform.as_ref().context("the platform was not built")?;
        let outcome = redis::run(binary, home.path(), means.redis_outage, random)?;
        let seconds = |time: Duration| format!("{:.1} s", time.as_secs_f64());
        eprintln!("    the slowest request took {}", seconds(outcome.slowest));
        let none = || "-".to_owned();
        self.rows.push([
            Proof::Redis.name(),
            none(),
            outcome.requests.to_string(),
            format!("{} logins", outcome.logins),
            none(),
            none(),
            none(),
            seconds(outcome.normal),
            seconds(began.elapsed()),
        ]);
        Ok(outcome.faults)
    }

    #[expect(clippy::print_stdout, reason = "the result of the command")]
    fn print(&self, seed: u64, took: Duration) -> Result<()> {
        let heads = [
            "",
            "kills",
            "requests",
            "acknowledged",
            "counted / back",
            "sagas done / undone",
            "all through",
            "normal again",
            "took",
        ];
        println!("\n{}", table::render(heads, &self.rows));
        println!("\n{} kills in {:.0} s, seed {seed}", self.kills, took.as_secs_f64());
        if !self.faults.is_empty() {
            bail!("not as promised:\n  {}", self.faults.join("\n  "));
        }
        println!(
            "as promised: every acknowledged effect is there once, on both sides, in order; limits held"
        );
        Ok(())
    }
}

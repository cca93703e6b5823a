//! `cargo xtask bench live`: very many WebSocket clients on one gateway, what each costs, and how late messages reach them.
//!
//! Messages take the way that they take in production: a service commits an event with a row of its own, its outbox brings
//! it to the bus, the gateway takes it from there into its table, and tells the one client whose message it is. How late one
//! is counts from the moment at which the schedule wanted it published, so a publisher that falls behind is seen as well.
//!
//! What must hold: each message came once and to the right client, and no client lost its connection; else there is no result.

mod crowd;
mod files;
mod frames;
mod stage;

use super::proc::{cpu_time, memory, tree};
use super::{machine, table};
use crate::process::{self, Hold, cargo, interrupted};
use crate::prove::stage::Database;
use anyhow::{Context, Result, bail};
use crowd::{Crowd, Heard};
use stage::{Stage, Under};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use testkit::servers::{Nats, Postgres};

const AIM_KIBIBYTES: f64 = 32.0;
const AIM_P50: f64 = 50.0;
const AIM_P99: f64 = 250.0;
/// Before it is measured: connections to the database, prepared statements, the first lease.
const WARM_UP_SECONDS: usize = 3;
/// How long memory is left alone before it is looked at.
const IDLE: Duration = Duration::from_secs(3);
const ENTRY_LIMIT: Duration = Duration::from_secs(180);
/// From the last commit until the last message has come.
const LATE_LIMIT: Duration = Duration::from_secs(60);

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench live                                  ten thousand clients, a fresh release build
  cargo xtask bench live --no-build --clients 1000 --seconds 5   a quick look with the release build as it is
  cargo xtask bench live --debug --clients 200 --rate 50  a trial of the command itself: its figures say nothing

Each client is another person and hears a message in every ten seconds at the defaults. Clients, publisher, bus, database and
gateway share the machine. A connection is an open file at each end: the command raises its own limit as far as the hard limit
allows, and says what is missing. One loopback address has ports for about 28,000 clients. NATS comes from a Debian package.")]
pub(crate) struct Arguments {
    /// Clients that are connected.
    #[arg(long, default_value_t = 10_000)]
    clients: usize,
    /// Messages a second, each to one client.
    #[arg(long, default_value_t = 1_000)]
    rate: usize,
    /// Seconds that are measured.
    #[arg(long, default_value_t = 30)]
    seconds: usize,
    /// Only on this database: sqlite or postgres.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
    /// Use debug builds.
    #[arg(long)]
    debug: bool,
}

/// What one database came to.
struct Figures {
    name: &'static str,
    entry: Duration,
    idle: f64,
    after: f64,
    rate: f64,
    cpu: f64,
    late: Vec<u32>,
}

/// Measures and prints.
///
/// # Errors
/// When a process does not start, or one message did not come as it should.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    files::allow(arguments.clients)?;
    let _hold = Hold::new();
    let (binary, tiny) = programs(arguments)?;
    let machine = machine();
    let nats = Nats::start()?;
    let mut columns = Vec::new();
    for database in Database::ALL {
        if arguments.only.as_ref().is_some_and(|only| !database.name().eq_ignore_ascii_case(only)) {
            continue;
        }
        let postgres = match database {
            Database::Sqlite => None,
            Database::Postgres => Some(Postgres::start_durable()?),
        };
        let url = postgres.as_ref().map(|postgres| postgres.url("{service}"));
        let bus = nats.url();
        let stage = Stage::set(&binary, &tiny, arguments.clients, &Under { bus: &bus, database: url })?;
        columns.push(measure(arguments, &stage, database.name()).with_context(|| stage.logs())?);
    }
    println!("{machine}");
    println!(
        "{} clients of one gateway, {} messages a second for {} s, each to one of them; SQLite with synchronous=full, \
         PostgreSQL with fsync, NATS{}\n",
        arguments.clients,
        arguments.rate,
        arguments.seconds,
        if arguments.debug { "; DEBUG BUILDS, the figures say nothing" } else { "" }
    );
    for figures in &columns {
        println!("{}\n", render(figures, arguments.rate));
    }
    Ok(())
}

fn programs(arguments: &Arguments) -> Result<(PathBuf, PathBuf)> {
    let profile = if arguments.debug { "debug" } else { "release" };
    if !arguments.no_build {
        eprintln!("==> {profile} build (minutes, when it is the first)");
        for (package, program) in [("bowline", "bowline"), ("testkit", "tiny")] {
            let mut build = cargo(["build", "--locked", "--package", package, "--bin", program]);
            process::run(if arguments.debug { &mut build } else { build.arg("--release") })?;
        }
    }
    let output = cargo(["metadata", "--no-deps", "--offline", "--format-version", "1"]).output()?;
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).context("cargo metadata")?;
    let target = metadata["target_directory"].as_str().context("cargo metadata names no target directory")?;
    let folder = Path::new(target).join(profile);
    let programs = (folder.join("bowline"), folder.join("tiny"));
    if !programs.0.is_file() || !programs.1.is_file() {
        bail!("there is no {profile} build; run this without --no-build");
    }
    Ok(programs)
}

fn measure(arguments: &Arguments, stage: &Stage, name: &'static str) -> Result<Figures> {
    let Arguments { clients, rate, seconds, .. } = *arguments;
    let (messages, pids) = (rate * seconds, tree(stage.gateway.id())?);
    let tokens = stage.people(clients)?;
    std::thread::sleep(IDLE);
    let before = memory(&pids)?;
    eprintln!("==> {name}: {clients} clients come");
    let began = Instant::now();
    let crowd = Crowd::send(stage.port, tokens, messages);
    let crowd = wait(crowd, ENTRY_LIMIT, |crowd| crowd.seen().subscribed.load(Ordering::Relaxed) == clients)?;
    let entry = began.elapsed();
    std::thread::sleep(IDLE);
    let idle = memory(&pids)?;
    eprintln!("==> {name}: warm-up, then {messages} messages");
    stage.tell(messages, rate * WARM_UP_SECONDS, rate)?;
    let (cpu, began) = (cpu_time(&pids)?, Instant::now());
    let took = stage.tell(0, messages, rate)?;
    let cpu = (cpu_time(&pids)? - cpu).as_secs_f64() / began.elapsed().as_secs_f64();
    let crowd = wait(crowd, LATE_LIMIT, |crowd| crowd.seen().messages.load(Ordering::Relaxed) == messages)?;
    let after = memory(&pids)?;
    let lost = crowd.seen().lost.load(Ordering::Relaxed);
    let Heard { late, wrong } = crowd.ended()?;
    let mut late: Vec<u32> = late.into_iter().flatten().collect();
    if lost > 0 || wrong > 0 || late.len() < messages {
        bail!(
            "{lost} clients lost their connection, {wrong} messages were wrong, {} of {messages} came",
            late.len()
        );
    }
    late.sort_unstable();
    let each = |bytes: u64| bytes.saturating_sub(before) as f64 / 1_024.0 / clients as f64;
    Ok(Figures { name, entry, idle: each(idle), after: each(after), rate: messages as f64 / took, cpu, late })
}

/// Waits until it is so; gives the crowd back, or says what became of it.
fn wait(crowd: Crowd, limit: Duration, so: impl Fn(&Crowd) -> bool) -> Result<Crowd> {
    let end = Instant::now() + limit;
    while !so(&crowd) {
        if crowd.is_over() || Instant::now() > end || interrupted() {
            let seen = crowd.seen();
            let [subscribed, messages, lost] =
                [&seen.subscribed, &seen.messages, &seen.lost].map(|count| count.load(Ordering::Relaxed));
            let ended = crowd.ended().map(|_| ());
            ended.with_context(|| format!("{subscribed} subscribed, {messages} messages, {lost} lost"))?;
            bail!("it took too long: {subscribed} subscribed, {messages} messages, {lost} lost");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(crowd)
}

fn render(figures: &Figures, rate: usize) -> String {
    let percentile = |share: f64| {
        let rank = (figures.late.len() as f64 * share).ceil() as usize;
        f64::from(figures.late.get(rank.saturating_sub(1)).copied().unwrap_or_default()) / 1e3
    };
    let below = |name: &str, value: f64, unit: &str, aim: f64| {
        let verdict = if value <= aim { "met" } else { "missed" };
        [name.to_owned(), format!("{value:.1} {unit}"), format!("{aim:.0} {unit}"), verdict.to_owned()]
    };
    let shown = |name: &str, value: String| [name.to_owned(), value, String::new(), String::new()];
    let enough = if figures.rate >= rate as f64 * 0.98 { "met" } else { "missed" };
    let published =
        ["published".to_owned(), format!("{:.0}/s", figures.rate), format!("{rate}/s"), enough.to_owned()];
    let rows = [
        below("memory a connection, idle", figures.idle, "KiB", AIM_KIBIBYTES),
        below("memory a connection, after the messages", figures.after, "KiB", AIM_KIBIBYTES),
        published,
        below("due to delivered, p50", percentile(0.5), "ms", AIM_P50),
        below("due to delivered, p99", percentile(0.99), "ms", AIM_P99),
        shown("due to delivered, longest", format!("{:.1} ms", percentile(1.0))),
        shown("CPU of the gateway meanwhile", format!("{:.0} % of a core", figures.cpu * 100.0)),
        shown("until all were connected", format!("{:.1} s", figures.entry.as_secs_f64())),
    ];
    table::render([figures.name, "", "aim", ""], &rows)
}

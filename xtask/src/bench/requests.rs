//! `cargo xtask bench requests`: what each layer costs a request, what a call to a peer costs, how many operations a second
//! the parts do, and what a million timeouts leave behind.
//!
//! Every measurement is a process of its own that asks itself, without sockets where none is measured. Layers are told
//! apart by switching one on at a time; the bare router beside is the floor.

use super::{machine, median, table};
use crate::process::{GENEROUS, Hold, Supervised, interrupted};
use crate::prove::build::{Profile, Tiny};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::process::{Command, Stdio};
use testkit::Folder;
use testkit::servers::{Postgres, Redis};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench requests                        everything, three rounds of a fresh release build
  cargo xtask bench requests --rounds 1 --no-build  a quick look with the release build as it is
  cargo xtask bench requests --only layers          one of: layers, peers, operations, timeouts")]
pub(crate) struct Arguments {
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Seconds of one measurement.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// Requests that time out.
    #[arg(long, default_value_t = 1_000_000)]
    timeouts: usize,
    /// Only this measurement.
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
}

impl Arguments {
    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }
}

/// Switches off what holds for every request.
fn no_limits() -> Vec<String> {
    ["BOWLINE_LIMITS__PUBLIC=off", "BOWLINE_LIMITS__API=off"].map(str::to_owned).to_vec()
}

/// One way of asking.
struct Case {
    name: &'static str,
    /// Arguments of the measuring process.
    words: &'static [&'static str],
    limits: bool,
    engines: Engines,
    /// The case that it is compared with.
    floor: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Engines {
    Embedded,
    Redis,
    Postgres,
}

const fn case(name: &'static str, words: &'static [&'static str], floor: Option<&'static str>) -> Case {
    Case { name, words, limits: false, engines: Engines::Embedded, floor }
}

const LAYERS: [Case; 14] = [
    case("router alone", &["layers", "bare"], None),
    case("edge: ids, deadline, headers", &["layers", "open"], Some("router alone")),
    case("+ metrics", &["layers", "open", "--telling", "metrics"], Some(EDGE)),
    case("+ metrics and log line", &["layers", "open", "--telling", "log"], Some("+ metrics")),
    case("+ token", &["layers", "token"], Some(EDGE)),
    Case { limits: true, ..case("+ limits in the process", &["layers", "open"], Some(EDGE)) },
    Case {
        limits: true,
        engines: Engines::Redis,
        ..case("+ limits on Redis", &["layers", "open"], Some(EDGE))
    },
    Case {
        limits: true,
        ..case("all of it, read", &["layers", "token", "--telling", "log"], Some("router alone"))
    },
    case("write, SQLite", &["layers", "write"], None),
    case("+ Idempotency-Key, SQLite", &["layers", "write-once"], Some("write, SQLite")),
    case("answer given again, SQLite", &["layers", "replay"], None),
    Case { engines: Engines::Postgres, ..case("write, PostgreSQL", &["layers", "write"], None) },
    Case {
        engines: Engines::Postgres,
        ..case("+ Idempotency-Key, PostgreSQL", &["layers", "write-once"], Some("write, PostgreSQL"))
    },
    Case {
        limits: true,
        ..case("all of it, write once", &["layers", "write-once", "--telling", "log"], Some("write, SQLite"))
    },
];
const EDGE: &str = "edge: ids, deadline, headers";

const PEERS: [Case; 2] = [
    case("call in this process", &["peer-in-process"], None),
    case("call over HTTP", &["peer-over-http"], Some("call in this process")),
];

/// What measurements run on.
struct Ground {
    tiny: Tiny,
    postgres: Postgres,
    redis: Redis,
    seconds: String,
    runs: usize,
}

/// Measures and prints.
///
/// # Errors
/// When a server does not start, or an answer was another than expected.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let _hold = Hold::new();
    let tiny = Tiny::build(Profile::Release, arguments.no_build)?;
    let machine = machine();
    let seconds = arguments.seconds.to_string();
    let mut ground =
        Ground { tiny, postgres: Postgres::start_durable()?, redis: Redis::start()?, seconds, runs: 0 };
    println!("{machine}\nmedian of {} rounds; CPU time is that of the measuring process", arguments.rounds);
    if arguments.wants("layers") {
        println!("\n{}", costs(arguments, &mut ground, &LAYERS)?);
        println!("\nSQLite and PostgreSQL commit to the disk: the clock is the disk's, the CPU time ours.");
    }
    if arguments.wants("peers") {
        println!("\n{}", costs(arguments, &mut ground, &PEERS)?);
    }
    if arguments.wants("operations") {
        println!("\n{}", operations(arguments, &mut ground)?);
    }
    if arguments.wants("timeouts") {
        println!("\n{}", timeouts(arguments, &mut ground)?);
    }
    Ok(())
}

/// The cases by turns, as a table.
fn costs(arguments: &Arguments, ground: &mut Ground, cases: &[Case]) -> Result<String> {
    let mut figures: Vec<Vec<Value>> = vec![Vec::new(); cases.len()];
    for round in 1..=arguments.rounds {
        for (rounds, case) in figures.iter_mut().zip(cases) {
            eprintln!("==> round {round} of {}: {}", arguments.rounds, case.name);
            rounds.push(ground.measure(case.words, case.limits, case.engines)?);
        }
    }
    let middle = |at: usize, figure: &str| {
        median(&figures[at].iter().filter_map(|round| round[figure].as_f64()).collect::<Vec<_>>())
    };
    let row = |(at, case): (usize, &Case)| {
        let floor = case.floor.and_then(|floor| cases.iter().position(|case| case.name == floor));
        let adds = floor
            .map_or(String::new(), |floor| format!("{:+.2} µs", middle(at, "cpu") - middle(floor, "cpu")));
        let [cpu, clock] = ["cpu", "clock"].map(|figure| format!("{:.2} µs", middle(at, figure)));
        [case.name.to_owned(), cpu, adds, case.floor.unwrap_or_default().to_owned(), clock]
    };
    let rows: Vec<_> = cases.iter().enumerate().map(row).collect();
    Ok(table::render(["", "CPU", "adds", "to", "clock"], &rows))
}

fn operations(arguments: &Arguments, ground: &mut Ground) -> Result<String> {
    let mut rounds = [Vec::new(), Vec::new()];
    for round in 1..=arguments.rounds {
        for (figures, engines) in rounds.iter_mut().zip([Engines::Embedded, Engines::Redis]) {
            eprintln!("==> round {round} of {}: operations", arguments.rounds);
            figures.push(ground.measure(&["operations"], true, engines)?);
        }
    }
    let names = rounds[0].first().and_then(Value::as_object).context("no figures")?.keys();
    let middle = |rounds: &[Value], name: &str| {
        let figures: Vec<_> = rounds.iter().filter_map(|round| round[name].as_f64()).collect();
        if figures.is_empty() { String::new() } else { format!("{:.0}/s", median(&figures)) }
    };
    let row = |name: &String| [name.clone(), middle(&rounds[0], name), middle(&rounds[1], name)];
    Ok(table::render(
        ["one after another", "in the process", "with Redis"],
        &names.map(row).collect::<Vec<_>>(),
    ))
}

fn timeouts(arguments: &Arguments, ground: &mut Ground) -> Result<String> {
    let requests = arguments.timeouts.to_string();
    let mut rows = Vec::new();
    for (name, never) in [("a route that never answers", "route"), ("a peer that never answers", "peer")] {
        eprintln!("==> {requests} requests to {name} (minutes)");
        // Requests that are refused at once would not time out.
        let least = "BOWLINE_HTTP__MIN_IN_FLIGHT=1024";
        let words = ["timeouts", never, "--requests", &requests, "--set", least];
        let figures = ground.measure(&words, false, Engines::Embedded)?;
        let megabytes =
            |figure: &str| format!("{:.1} MiB", figures[figure].as_f64().unwrap_or(f64::NAN) / 1024.0);
        rows.push([name.to_owned(), figures["answers"].to_string(), megabytes("early"), megabytes("end")]);
    }
    Ok(table::render(["", "answers by status", "resident after a tenth", "at the end"], &rows))
}

impl Ground {
    fn measure(&mut self, words: &[&str], limits: bool, engines: Engines) -> Result<Value> {
        self.runs += 1;
        let home = Folder::new("bench")?;
        let (log, figures) = (home.path().join("log"), home.path().join("figures"));
        let mut command = Command::new(&self.tiny.binary);
        command.env_clear().arg("bench-requests").args(words).args(["--seconds", &self.seconds]);
        command.args(["--set", "BOWLINE_DATABASE__SYNCHRONOUS=full"]);
        let limits =
            if limits { GENEROUS.map(|(name, rule)| format!("{name}={rule}")).to_vec() } else { no_limits() };
        for setting in limits {
            command.arg("--set").arg(setting);
        }
        match engines {
            Engines::Embedded => {}
            Engines::Redis => drop(command.arg("--set").arg(format!("REDIS_URL={}", self.redis.url()))),
            Engines::Postgres => {
                let url = self.postgres.url(&format!("run{}_{{service}}", self.runs));
                command.arg("--set").arg(format!("DATABASE_URL={url}"));
            }
        }
        command.current_dir(home.path()).stdin(Stdio::null());
        command.stdout(File::create(&figures)?).stderr(File::create(&log)?);
        let succeeded = Supervised::spawn(&mut command)?.wait()?;
        if interrupted() {
            bail!("interrupted");
        }
        if !succeeded {
            bail!("{}: {}", words.join(" "), std::fs::read_to_string(&log).unwrap_or_default());
        }
        serde_json::from_str(&std::fs::read_to_string(&figures)?).context("the figures cannot be read")
    }
}

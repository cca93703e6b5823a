//! `cargo xtask bench gateway`: what one request costs each proxy, all in one run.

use super::load::{self, Outcome};
use super::proc::{cpu_time, megabytes, memory, tree};
use super::proxies::Proxy;
use super::{http, machine, median, table};
use crate::debian;
use crate::process::{Supervised, interrupted};
use anyhow::{Context, Result, bail};
use std::process::Command;
use std::time::{Duration, Instant};
use testkit::Folder;
use testkit::servers::free_port;

const START_LIMIT: Duration = Duration::from_secs(20);
/// Fills connection pools and caches before anything is counted.
const WARM_UP: usize = 5_000;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench gateway --install            with the other proxies installed from Debian packages
  cargo xtask bench gateway --requests 20000     a quick look
  cargo xtask bench gateway --no-build           with the release build as it is

CPU time is user and system time of the proxy's processes, from /proc. The load generator and the upstream run on the
same cores, so requests a second say little; CPU time a request does.")]
pub(crate) struct Arguments {
    /// Requests a round and proxy.
    #[arg(long, default_value_t = 200_000)]
    requests: usize,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Connections that are kept open.
    #[arg(long, default_value_t = 32)]
    connections: usize,
    /// The path that is asked for.
    #[arg(long, default_value = "/api/v1/auth/ping")]
    path: String,
    /// Install what is missing of nginx, HAProxy and Caddy (Debian packages, as root).
    #[arg(long)]
    install: bool,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
}

/// A proxy that runs, and what was measured of it.
struct Subject {
    name: &'static str,
    port: u16,
    /// Nothing for the upstream without a proxy.
    running: Option<Supervised>,
    cpu_a_request: Vec<f64>,
    outcomes: Vec<Outcome>,
    // Removed after the process that uses it has ended.
    _home: Option<Folder>,
}

pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let proxies = proxies(arguments)?;
    let upstream = free_port()?;
    let _upstream = Supervised::spawn(Command::new(std::env::current_exe()?).args([
        "bench-upstream",
        "--port",
        &upstream.to_string(),
    ]))?;
    answers("the upstream", upstream, &arguments.path)?;
    let machine = machine();
    let mut subjects = vec![Subject {
        name: "(no proxy)",
        port: upstream,
        running: None,
        cpu_a_request: Vec::new(),
        outcomes: Vec::new(),
        _home: None,
    }];
    for proxy in &proxies {
        subjects.push(Subject::start(proxy, upstream, &arguments.path)?);
    }
    for round in 0..arguments.rounds {
        // Another one begins each round, so that none always runs on a warm or a tired machine.
        for turn in 0..subjects.len() {
            let index = (turn + round) % subjects.len();
            let subject = &mut subjects[index];
            eprintln!("==> round {} of {}: {}", round + 1, arguments.rounds, subject.name);
            subject.measure(arguments)?;
        }
    }
    report(arguments, &proxies, &subjects, &machine)
}

fn proxies(arguments: &Arguments) -> Result<Vec<Proxy>> {
    let missing = || Proxy::OTHERS.iter().filter(|p| p.version().is_none()).filter_map(Proxy::package);
    if arguments.install && missing().next().is_some() {
        debian::install(&missing().collect::<Vec<_>>())?;
    }
    let missing: Vec<_> = missing().collect();
    if !missing.is_empty() {
        eprintln!(
            "==> not installed, so not measured: {} (--install installs the packages)",
            missing.join(", ")
        );
    }
    let others = Proxy::OTHERS.into_iter().filter(|p| p.version().is_some());
    let bowline = super::bowline(arguments.no_build)?;
    Ok([Proxy::Bowline(bowline.clone()), Proxy::BowlineLogging(bowline)].into_iter().chain(others).collect())
}

/// Waits until `GET path` is answered with 200.
fn answers(name: &str, port: u16, path: &str) -> Result<()> {
    let end = Instant::now() + START_LIMIT;
    loop {
        let last = match http::status(port, path) {
            Ok(200) => return Ok(()),
            Ok(status) => format!("status {status}"),
            Err(e) => format!("{e:#}"),
        };
        if Instant::now() > end || interrupted() {
            bail!("{name} does not answer {path} with 200: {last}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

impl Subject {
    fn start(proxy: &Proxy, upstream: u16, path: &str) -> Result<Self> {
        let home = Folder::new("bench")?;
        let port = free_port()?;
        let running = proxy.start(home.path(), port, upstream)?;
        answers(proxy.name(), port, path).with_context(|| {
            let log = std::fs::read_to_string(home.path().join("log")).unwrap_or_default();
            format!("{} did not start:\n{log}", proxy.name())
        })?;
        let outcomes = Vec::new();
        let running = Some(running);
        Ok(Self { name: proxy.name(), port, running, cpu_a_request: Vec::new(), outcomes, _home: Some(home) })
    }

    fn measure(&mut self, arguments: &Arguments) -> Result<()> {
        load::run(self.port, &arguments.path, WARM_UP.min(arguments.requests), arguments.connections)?;
        let processes = self.running.as_ref().map(|p| tree(p.id())).transpose()?.unwrap_or_default();
        let before = cpu_time(&processes)?;
        let outcome = load::run(self.port, &arguments.path, arguments.requests, arguments.connections)?;
        let used = cpu_time(&processes)?.saturating_sub(before);
        if interrupted() {
            bail!("interrupted");
        }
        self.cpu_a_request.push(used.as_secs_f64() * 1e6 / outcome.requests as f64);
        self.outcomes.push(outcome);
        Ok(())
    }

    fn median(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        median(&self.outcomes.iter().map(figure).collect::<Vec<_>>())
    }

    fn row(&self, nginx: Option<f64>) -> Result<[String; 8]> {
        let milliseconds = |share| move |o: &Outcome| o.percentile(share).as_secs_f64() * 1e3;
        let cpu = median(&self.cpu_a_request);
        let dash = || "-".to_owned();
        let memory = match &self.running {
            Some(running) => format!("{:.1} MB", megabytes(memory(&tree(running.id())?)?)),
            None => dash(),
        };
        let errors: usize = self.outcomes.iter().map(|o| o.errors).sum();
        Ok([
            self.name.to_owned(),
            self.running.as_ref().map_or_else(dash, |_| format!("{cpu:.1} µs")),
            self.running.as_ref().and(nginx).map_or_else(dash, |nginx| format!("{:.2}", cpu / nginx)),
            format!("{:.0}", self.median(Outcome::rate)),
            format!("{:.2} ms", self.median(milliseconds(0.5))),
            format!("{:.2} ms", self.median(milliseconds(0.99))),
            memory,
            errors.to_string(),
        ])
    }
}

#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(arguments: &Arguments, proxies: &[Proxy], subjects: &[Subject], machine: &str) -> Result<()> {
    let nginx = subjects.iter().find(|s| s.name == "nginx").map(|s| median(&s.cpu_a_request));
    let rows = subjects.iter().map(|s| s.row(nginx)).collect::<Result<Vec<_>>>()?;
    let heads = ["", "CPU a request", "to nginx", "requests/s", "p50", "p99", "memory", "errors"];
    let Arguments { requests, rounds, connections, path, .. } = arguments;
    println!(
        "\nGET {path}: {requests} requests a round on {connections} kept connections, median of {rounds} rounds"
    );
    println!("{machine}");
    println!("{}\n", proxies.iter().filter_map(Proxy::version).collect::<Vec<_>>().join("; "));
    println!("{}", table::render(heads, &rows));
    let errors: usize = subjects.iter().flat_map(|s| &s.outcomes).map(|o| o.errors).sum();
    if errors > 0 {
        bail!("{errors} requests were not answered with 200: the figures are no result");
    }
    Ok(())
}

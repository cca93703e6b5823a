//! `cargo xtask bench gateway`: what one request costs each proxy, all in one run, scene by scene.
//!
//! What must hold: in each round all have the same load right after one another, on connections that were opened before; a
//! scene with one wrong answer is no result.

mod paced;
pub(super) mod scenes;
pub(super) mod subject;

use super::credentials::{Certificate, Token};
use super::load::Outcome;
use super::proxies::Proxy;
use super::{machine, median, table};
use crate::debian;
use crate::process::{Hold, Supervised, interrupted};
use anyhow::{Result, bail};
use scenes::{Scene, named};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use subject::Subject;
use testkit::Folder;
use testkit::servers::free_port;

/// Requests a second at which it is asked what a proxy adds.
const CALM: usize = 1_000;
const AIM_P50: f64 = 0.5;
const AIM_P99: f64 = 2.0;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench gateway --install            everything, with the other proxies installed from Debian packages
  cargo xtask bench gateway --quick              a look in two minutes, with the release build made first
  cargo xtask bench gateway --no-build --scene get-32 --scene tls-32
  cargo xtask bench gateway --binary target/debug/bowline --requests 2000 --rounds 1   a trial of the command itself

Scenes: get-32, get-512, get64k-32, get64k-512, post-32, post-512, tls-32, tls-512.
CPU time is user and system time of the proxy's processes, from /proc. The load generator and the upstream run on the
same cores, so requests a second say little; CPU time a request does. Everything on: an access token is verified on each
request, three limits are counted, metrics, a trace of which one in a hundred is sent, and a line in the access log.")]
pub(crate) struct Arguments {
    /// Requests a round and proxy in the cheapest scenes; fewer in the others.
    #[arg(long, default_value_t = 80_000)]
    requests: usize,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// Only this scene; may be given several times.
    #[arg(long, value_name = "NAME", value_parser = named)]
    scene: Vec<Scene>,
    /// Seconds at 1,000 requests a second, a round; 0 leaves it out.
    #[arg(long, default_value_t = 5)]
    calm: u64,
    /// One round of few requests.
    #[arg(long)]
    quick: bool,
    /// Install what is missing of nginx, HAProxy and Caddy (Debian packages, as root).
    #[arg(long)]
    install: bool,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
    /// Take this binary.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// What of the arguments the measurement goes by.
struct Plan {
    requests: usize,
    rounds: usize,
    calm: Duration,
}

/// Measures and prints.
///
/// # Errors
/// When a proxy does not start, or something was not answered as it should be.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let _hold = Hold::new();
    let scenes = if arguments.scene.is_empty() { Scene::ALL.to_vec() } else { arguments.scene.clone() };
    let (requests, rounds) =
        if arguments.quick { (20_000, 1) } else { (arguments.requests, arguments.rounds.max(1)) };
    let plan = Plan { requests, rounds, calm: Duration::from_secs(arguments.calm) };
    let binary = super::binary(arguments.binary.as_deref(), arguments.no_build)?;
    let proxies = proxies(arguments, &binary)?;
    let machine = machine();
    let token = Token::new()?;
    let folder = Folder::new("bench")?;
    let certificate = Certificate::new(folder.path())?;
    let (upstream, _upstream) = upstream(&token)?;
    let ask = Scene::ALL[0].ask(&token);
    let mut subjects = vec![Subject::upstream(upstream, &ask)?];
    for proxy in &proxies {
        subjects.push(Subject::start(proxy, upstream, &certificate, &ask)?);
    }
    println!("{machine}");
    println!("{}", proxies.iter().filter_map(Proxy::version).collect::<Vec<_>>().join("; "));
    println!("median of {rounds} rounds; CPU of the proxy's processes, user and system\n");
    let mut errors = 0;
    for scene in scenes {
        let ask = scene.ask(&token);
        by_turns(&mut subjects, &plan, scene.name, |subject| subject.measure(&scene, &ask, plan.requests))?;
        errors += report(&scene, &plan, &mut subjects)?;
    }
    if !plan.calm.is_zero() {
        let calm = |subject: &mut Subject| subject.calm(|port| paced::run(port, &ask, CALM, plan.calm));
        by_turns(&mut subjects, &plan, "1,000 a second", calm)?;
        errors += added(&mut subjects);
    }
    if errors > 0 {
        bail!("{errors} requests were not answered as they should be: those figures are no result");
    }
    Ok(())
}

/// Lets each subject have its turn in each round.
fn by_turns(
    subjects: &mut [Subject],
    plan: &Plan,
    name: &str,
    mut turn: impl FnMut(&mut Subject) -> Result<()>,
) -> Result<()> {
    for round in 0..plan.rounds {
        // Another one begins each round, so that none always runs on a warm or a tired machine.
        for place in 0..subjects.len() {
            let place = (place + round) % subjects.len();
            let subject = &mut subjects[place];
            eprintln!("==> {name}, round {} of {}: {}", round + 1, plan.rounds, subject.name);
            turn(subject)?;
            if interrupted() {
                bail!("interrupted");
            }
        }
    }
    Ok(())
}

fn proxies(arguments: &Arguments, bowline: &Path) -> Result<Vec<Proxy>> {
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
    let own = [Proxy::Bowline(bowline.to_owned()), Proxy::BowlineFull(bowline.to_owned())];
    Ok(own.into_iter().chain(others).collect())
}

/// The trivial upstream, on a free port.
pub(super) fn upstream(token: &Token) -> Result<(u16, Supervised)> {
    let port = free_port()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["bench-upstream", "--port", &port.to_string(), "--key", &token.key]);
    Ok((port, Supervised::spawn(&mut command)?))
}

/// Prints the table of a scene, and says how many answers were wrong.
#[expect(clippy::print_stdout, reason = "the result of the command")]
fn report(scene: &Scene, plan: &Plan, subjects: &mut [Subject]) -> Result<usize> {
    let nginx = subjects.iter().find(|s| s.name == "nginx").map(Subject::cpu);
    let took_part = subjects.iter().filter(|subject| !subject.outcomes.is_empty());
    let rows = took_part.map(|subject| row(subject, nginx)).collect::<Vec<_>>();
    let heads = ["", "CPU a request", "to nginx", "requests/s", "p50", "p99", "memory", "errors"];
    println!("{} ({}): {} requests a round", scene.about, scene.name, scene.requests(plan.requests));
    println!("{}", table::render(heads, &rows));
    let errors = subjects.iter_mut().map(Subject::forget).sum();
    if errors > 0 {
        println!("no result: {errors} answers were wrong");
    }
    println!();
    Ok(errors)
}

fn row(subject: &Subject, nginx: Option<f64>) -> [String; 8] {
    let dash = || "-".to_owned();
    let own = |text: String| if subject.is_proxy() { text } else { dash() };
    let cpu = subject.cpu();
    let milliseconds = |share| format!("{:.2} ms", subject.milliseconds(share));
    [
        subject.name.to_owned(),
        own(format!("{cpu:.1} µs")),
        own(nginx.map_or_else(dash, |nginx| format!("{:.2}", cpu / nginx))),
        format!("{:.0}", subject.median(Outcome::rate)),
        milliseconds(0.5),
        milliseconds(0.99),
        own(format!("{:.1} MB", median(&subject.memory))),
        subject.errors().to_string(),
    ]
}

/// Prints what each adds to the time of a request where nobody hurries, and says how many answers were wrong.
#[expect(clippy::print_stdout, reason = "the result of the command")]
fn added(subjects: &mut [Subject]) -> usize {
    let alone = [0.5, 0.99].map(|share| subjects[0].milliseconds(share));
    let rows: Vec<_> = subjects
        .iter()
        .map(|subject| {
            let [p50, p99] = [0.5, 0.99].map(|share| subject.milliseconds(share));
            let (more50, more99) = (p50 - alone[0], p99 - alone[1]);
            let verdict = if subject.is_bowline() {
                if more50 <= AIM_P50 && more99 <= AIM_P99 { "met" } else { "missed" }
            } else {
                ""
            };
            let added = |more: f64| {
                if subject.is_proxy() { format!("{more:+.3} ms") } else { "-".to_owned() }
            };
            [
                subject.name.to_owned(),
                format!("{p50:.3} ms"),
                format!("{p99:.3} ms"),
                added(more50),
                added(more99),
                subject.errors().to_string(),
                verdict.to_owned(),
            ]
        })
        .collect();
    let heads = ["", "p50", "p99", "adds p50", "adds p99", "errors", ""];
    println!(
        "GET, 37 bytes, {CALM} requests a second; the aim is to add {AIM_P50} ms p50 and {AIM_P99} ms p99 at most"
    );
    println!("{}\n", table::render(heads, &rows));
    subjects.iter_mut().map(Subject::forget).sum()
}

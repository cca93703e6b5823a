//! `cargo xtask bench soak`: very many requests through the gateway with everything on, some of which run out of time.
//!
//! What must hold: each request is answered as its route says, 200 or 504; the memory of the process stays flat; and the
//! connections to the upstream are kept. What timed out costs a connection each, as it must, and goes to an upstream of its own
//! name, so that it does not hide among the others.

use super::credentials::Token;
use super::gateway::scenes::with_token;
use super::gateway::subject::{answers, told};
use super::gateway::upstream;
use super::http::{Connection, get, post};
use super::load::{Ask, Load, Target};
use super::proc::{megabytes, memory, tree};
use super::proxies::{Place, gateway};
use super::upstream::{LARGE, LARGE_BODY, LATE, POSTED, SMALL, SMALL_BODY, TAKES};
use super::{machine, table};
use crate::process::{Hold, Supervised};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use testkit::Folder;
use testkit::servers::free_ports;

/// Memory is looked at so many times.
const PARTS: usize = 10;
const CONNECTIONS: usize = 64;
/// The last half may add so many percent of what was there.
const AIM_GROWTH: f64 = 5.0;
/// Of what does not time out, so many percent find a connection.
const AIM_REUSE: f64 = 99.9;
const TIMEOUT_MS: usize = 50;
/// Before memory is looked at, so that what a burst needed is given back.
const REST: Duration = Duration::from_millis(500);

#[derive(clap::Args)]
#[command(after_help = "Examples:
  cargo xtask bench soak                               a million requests, of which one in a hundred times out
  cargo xtask bench soak --no-build --requests 100000  a look
  cargo xtask bench soak --binary target/debug/bowline --requests 5000   a trial of the command itself

Each request shows an access token, is counted by three limits and written to the access log, which goes nowhere. One in ten
is a POST, one in twenty has an answer of 64 KiB. The first connections alone are 64: below some 64,000 requests the aim for
connections cannot be met.")]
pub(crate) struct Arguments {
    /// Requests in all.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u32).range(100..))]
    requests: u32,
    /// One of so many times out.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(2..))]
    late_every: u32,
    /// Take the release build as it is.
    #[arg(long)]
    no_build: bool,
    /// Take this binary.
    #[arg(long, value_name = "PATH")]
    binary: Option<PathBuf>,
}

/// What was seen after a tenth.
struct Part {
    requests: usize,
    megabytes: f64,
    rate: f64,
    timed_out: usize,
}

/// Runs it and prints what was seen.
///
/// # Errors
/// When something was not answered as its route says, or an aim was missed.
#[expect(clippy::print_stdout, reason = "the result of the command")]
pub(crate) fn run(arguments: &Arguments) -> Result<()> {
    let _hold = Hold::new();
    let binary = super::binary(arguments.binary.as_deref(), arguments.no_build)?;
    let machine = machine();
    let token = Token::new()?;
    let (upstream, _upstream) = upstream(&token)?;
    let home = Folder::new("bench")?;
    let [port, ops] = free_ports()?;
    std::fs::write(home.path().join("configuration"), routes(upstream))?;
    let mut command = gateway(&binary, &Place { home: home.path(), port, tls: None, upstream })?;
    command
        .env("OPS_PORT", ops.to_string())
        .env("BOWLINE_TELEMETRY__LOG_FORMAT", "json")
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://127.0.0.1:{upstream}"))
        .env("BOWLINE_TELEMETRY__SAMPLE_RATIO", "0.01")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(home.path().join("log"))?);
    let bowline = Supervised::spawn(&mut command)?;
    let plan = Plan::new(&token, arguments.late_every as usize);
    answers("bowline", port, &plan.small).with_context(|| told("bowline", home.path()))?;
    let parts = soak(arguments.requests as usize, &bowline, port, &plan)?;
    let page = Connection::open(ops)?.ask(get("/metrics").as_bytes())?.body;
    let page = String::from_utf8(page).context("metrics that are not text")?;
    println!("{machine}");
    println!(
        "{} requests on {CONNECTIONS} connections, everything on; one in {} times out after {TIMEOUT_MS} ms\n",
        arguments.requests, arguments.late_every
    );
    println!("{}\n", show(&parts));
    let flat = memory_verdict(&parts);
    println!("{}", flat.0);
    let reused = reuse_verdict(&page)?;
    println!("{}", reused.0);
    if !flat.1 || !reused.1 {
        bail!("an aim was missed");
    }
    Ok(())
}

/// The requests, by their number.
struct Plan {
    late_every: usize,
    small: Ask,
    large: Ask,
    post: Ask,
    late: Ask,
}

impl Plan {
    fn new(token: &Token, late_every: usize) -> Self {
        let ask = |request: &str, status, body| Ask { request: with_token(request, token), status, body };
        Self {
            late_every,
            small: ask(&get(SMALL), 200, Some(SMALL_BODY.len())),
            large: ask(&get(LARGE), 200, Some(LARGE_BODY)),
            post: ask(&post(TAKES, &"x".repeat(POSTED)), 200, Some(SMALL_BODY.len())),
            late: ask(&get(LATE), 504, None),
        }
    }

    fn is_late(&self, number: usize) -> bool {
        number % self.late_every == self.late_every - 1
    }

    fn ask(&self, number: usize) -> &Ask {
        match number {
            number if self.is_late(number) => &self.late,
            number if number % 20 == 3 => &self.large,
            number if number % 10 == 7 => &self.post,
            _ => &self.small,
        }
    }
}

fn soak(requests: usize, bowline: &Supervised, port: u16, plan: &Plan) -> Result<Vec<Part>> {
    let mut load = Load::open(Target { port, tls: None }, CONNECTIONS)?;
    let mut parts = Vec::new();
    for part in 0..PARTS {
        let (from, until) = (requests * part / PARTS, requests * (part + 1) / PARTS);
        let outcome = load.run(until - from, |number| plan.ask(from + number))?;
        if outcome.errors > 0 {
            let first = outcome.first_error.unwrap_or_default();
            bail!("{} requests were not answered as their route says, the first: {first}", outcome.errors);
        }
        let rate = outcome.rate();
        std::thread::sleep(REST);
        let megabytes = megabytes(memory(&tree(bowline.id())?)?);
        let timed_out = (from..until).filter(|number| plan.is_late(*number)).count();
        eprintln!("==> {until} of {requests}: {megabytes:.1} MB");
        parts.push(Part { requests: until, megabytes, rate, timed_out });
    }
    Ok(parts)
}

fn show(parts: &[Part]) -> String {
    let mut timed_out = 0;
    let rows: Vec<_> = parts
        .iter()
        .map(|part| {
            timed_out += part.timed_out;
            [
                part.requests.to_string(),
                format!("{:.1} MB", part.megabytes),
                format!("{:.0}", part.rate),
                timed_out.to_string(),
            ]
        })
        .collect();
    table::render(["after", "memory", "requests/s", "timed out"], &rows)
}

/// What the last half did to memory, and whether that is little enough.
fn memory_verdict(parts: &[Part]) -> (String, bool) {
    let at = |place: usize| parts.get(place).map_or(f64::NAN, |part| part.megabytes);
    let growth = (at(PARTS - 1) / at(PARTS / 2 - 1) - 1.0) * 100.0;
    let flat = growth < AIM_GROWTH;
    let verdict = if flat { "flat" } else { "NOT FLAT" };
    (format!("memory over the last half: {growth:+.1} %, aim below {AIM_GROWTH} %: {verdict}"), flat)
}

/// How often a connection to the upstream was used again, by the gateway's own count, and whether that is enough.
fn reuse_verdict(page: &str) -> Result<(String, bool)> {
    let of = |upstream: &str| -> Result<(f64, f64)> {
        let label = format!("upstream=\"{upstream}\"");
        let count = |name: &str| {
            sum(page, name, &label).with_context(|| format!("/metrics has no {name} with {label}"))
        };
        Ok((count("gateway_upstream_connections_total")?, count("gateway_upstream_requests_total")?))
    };
    let (opened, requests) = of("bench")?;
    let (late_opened, late) = of("late")?;
    let reuse = (1.0 - opened / requests) * 100.0;
    let enough = reuse >= AIM_REUSE;
    let verdict = if enough { "met" } else { "missed" };
    Ok((
        format!(
            "connections to the upstream: {opened:.0} for {requests:.0} requests, {reuse:.3} % used again, aim {AIM_REUSE} %: {verdict}\n\
             and {late_opened:.0} for {late:.0} requests that timed out, each of which ends its connection"
        ),
        enough,
    ))
}

/// The sum of the samples of a metric that have a label, on a page in Prometheus' text format; nothing when there are none.
fn sum(page: &str, name: &str, label: &str) -> Option<f64> {
    let values = page.lines().filter_map(|line| {
        let (labels, value) = line.strip_prefix(name)?.strip_prefix('{')?.rsplit_once('}')?;
        labels.split(',').any(|own| own == label).then(|| value.trim().parse::<f64>().ok())?
    });
    values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
}

/// A route that answers in time, and one that does not. Instances that are late are not left alone: all of them are to time out.
fn routes(upstream: u16) -> String {
    let limits = "limits = [\"1000000 per 1s by user\"]";
    let user = "access = { who = \"user\" }";
    let instance = format!("instances = [\"http://127.0.0.1:{upstream}\"]");
    format!(
        "[[route]]\nname = \"bench\"\npath = \"/bench/{{*rest}}\"\nupstream = \"bench\"\n{user}\n{limits}\n\n\
         [[route]]\nname = \"late\"\npath = \"{LATE}\"\nupstream = \"late\"\ntimeout_ms = {TIMEOUT_MS}\ntries = 1\n{user}\n{limits}\n\n\
         [upstream.bench]\n{instance}\n\n\
         [upstream.late]\n{instance}\nejection = {{ at_most_percent = 0 }}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# TYPE gateway_upstream_requests_total counter
gateway_upstream_requests_total{upstream=\"bench\",outcome=\"answered\"} 9998
gateway_upstream_requests_total{upstream=\"bench\",outcome=\"broken\"} 2
gateway_upstream_requests_total{upstream=\"late\",outcome=\"deadline\"} 100
gateway_upstream_requests_total{peer=\"auth\",outcome=\"answered\"} 7
gateway_upstream_connections_total{upstream=\"bench\"} 10
gateway_upstream_connections_total{upstream=\"late\"} 101
gateway_upstream_connections_totals{upstream=\"bench\"} 5
";

    #[test]
    fn samples_with_the_label_are_summed_and_no_others() {
        let sum = |name: &str, label: &str| sum(PAGE, name, label);
        assert_eq!(sum("gateway_upstream_requests_total", "upstream=\"bench\""), Some(10_000.0));
        assert_eq!(sum("gateway_upstream_connections_total", "upstream=\"bench\""), Some(10.0));
        assert_eq!(sum("gateway_upstream_requests_total", "outcome=\"answered\""), Some(10_005.0));
        assert_eq!(sum("gateway_upstream_connections_total", "upstream=\"absent\""), None);
    }

    #[test]
    fn reuse_is_judged_by_what_did_not_time_out() {
        let (said, enough) = reuse_verdict(PAGE).unwrap();
        assert!(enough && said.contains("99.900 %"), "{said}");
        let more = PAGE.replace("{upstream=\"bench\"} 10\n", "{upstream=\"bench\"} 11\n");
        assert!(!reuse_verdict(&more).unwrap().1);
        assert!(reuse_verdict("").unwrap_err().to_string().contains("gateway_upstream_connections_total"));
    }

    #[test]
    fn memory_is_flat_when_the_last_half_adds_little() {
        let parts = |last: f64| -> Vec<Part> {
            let of = |part: usize| match part {
                0..4 => 10.0 * part as f64,
                9 => last,
                _ => 100.0,
            };
            let part = |part| Part { requests: part, megabytes: of(part), rate: 1.0, timed_out: 0 };
            (0..PARTS).map(part).collect()
        };
        assert!(memory_verdict(&parts(104.9)).1);
        assert!(memory_verdict(&parts(90.0)).1);
        assert!(!memory_verdict(&parts(105.1)).1);
        assert!(!memory_verdict(&[]).1, "what was not seen is not flat");
    }

    #[test]
    fn as_many_time_out_as_was_asked_for() {
        let plan = Plan::new(&Token::new().unwrap(), 50);
        let statuses: Vec<_> = (0..1_000).map(|number| plan.ask(number).status).collect();
        assert_eq!(statuses.iter().filter(|status| **status == 504).count(), 20);
        let posts = (0..1_000).filter(|number| plan.ask(*number).request.starts_with(b"POST")).count();
        assert_eq!(posts, 100);
    }
}

//! A product through the gateway, beside a bare handler behind nginx.

use super::Arguments;
use super::shop::Shop;
use crate::bench::data::Ground;
use crate::bench::http::{Connection, get};
use crate::bench::load::{self, Outcome};
use crate::bench::median;
use crate::bench::proc::{cpu_time, megabytes, memory, tree};
use crate::bench::proxies::{Place, Proxy};
use crate::debian;
use crate::process::{Supervised, interrupted};
use crate::prove::stage::Database;
use anyhow::{Context, Result, bail};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Folder;
use testkit::servers::free_ports;

pub(super) const HEADS: [&str; 6] = ["", "reads", "p50", "p99", "CPU a read", "memory"];
const WARM_UP: usize = 2_000;

/// Somebody who answers, and what was measured.
struct Subject {
    name: String,
    port: u16,
    processes: Vec<u32>,
    outcomes: Vec<Outcome>,
    cpu: Vec<f64>,
    memory: f64,
}

pub(super) fn run(arguments: &Arguments, binary: &Path, ground: &Ground) -> Result<Vec<[String; 6]>> {
    if Proxy::Nginx.version().is_none() {
        if !arguments.install {
            bail!("nginx is not there; --install installs its Debian package");
        }
        debian::install(&Proxy::Nginx.package().into_iter().collect::<Vec<_>>())?;
    }
    let shop = Shop::open(binary, ground, Database::Sqlite, "orchestration")?;
    let path = format!("/api/v1/products/{}", shop.products[0]);
    let body = Connection::open(shop.port)?.ask(get(&path).as_bytes())?.body;
    let home = Folder::new("bench")?;
    std::fs::write(home.path().join("body"), body)?;
    let [bare_port, nginx_port] = free_ports()?;
    let mut bare = Command::new(ground.tiny());
    bare.args(["bench-bare", "--port", &bare_port.to_string(), "--body"]).arg(home.path().join("body"));
    let bare = Supervised::spawn(bare.stdin(Stdio::null()))?;
    let place = Place { home: home.path(), port: nginx_port, tls: None, upstream: bare_port };
    let nginx = Proxy::Nginx.start(&place)?;
    let peer = [tree(bare.id())?, tree(nginx.id())?].concat();
    let mut subjects = [
        Subject::new("bowline, everything in one process", shop.port, tree(shop.process.id())?),
        Subject::new("bare axum handler behind nginx", nginx_port, peer),
        Subject::new("(bare axum handler alone)", bare_port, tree(bare.id())?),
    ];
    for subject in &subjects {
        subject.wait(&path)?;
    }
    for round in 0..arguments.rounds {
        for turn in 0..subjects.len() {
            let place = (turn + round) % subjects.len();
            let subject = &mut subjects[place];
            eprintln!("==> read, round {} of {}: {}", round + 1, arguments.rounds, subject.name);
            subject.measure(arguments, &path)?;
        }
    }
    Ok(subjects.iter().map(Subject::row).collect())
}

impl Subject {
    fn new(name: &str, port: u16, processes: Vec<u32>) -> Self {
        Self { name: name.to_owned(), port, processes, outcomes: Vec::new(), cpu: Vec::new(), memory: 0.0 }
    }

    fn wait(&self, path: &str) -> Result<()> {
        let end = Instant::now() + Duration::from_secs(10);
        while crate::bench::http::status(self.port, path).ok() != Some(200) {
            if Instant::now() > end || interrupted() {
                bail!("{} does not answer {path} with 200", self.name);
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    fn measure(&mut self, arguments: &Arguments, path: &str) -> Result<()> {
        load::run(self.port, path, WARM_UP.min(arguments.reads), arguments.buyers)?;
        let before = cpu_time(&self.processes)?;
        let outcome = load::run(self.port, path, arguments.reads, arguments.buyers)?;
        let used = cpu_time(&self.processes)?.saturating_sub(before);
        if interrupted() {
            bail!("interrupted");
        }
        if outcome.errors > 0 {
            bail!("{}: {} reads were not answered with 200", self.name, outcome.errors);
        }
        self.cpu.push(used.as_secs_f64() * 1e6 / outcome.requests as f64);
        self.memory = megabytes(memory(&self.processes).context("a process is gone")?);
        self.outcomes.push(outcome);
        Ok(())
    }

    fn row(&self) -> [String; 6] {
        let middle =
            |figure: &dyn Fn(&Outcome) -> f64| median(&self.outcomes.iter().map(figure).collect::<Vec<_>>());
        let wait =
            |share| format!("{:.2} ms", middle(&|o: &Outcome| o.percentile(share).as_secs_f64() * 1e3));
        [
            self.name.clone(),
            format!("{:.0}/s", middle(&Outcome::rate)),
            wait(0.5),
            wait(0.99),
            format!("{:.1} µs", median(&self.cpu)),
            format!("{:.0} MB", self.memory),
        ]
    }
}

//! One of those that are compared: its process, and what was measured of it in the scene that runs.

use super::scenes::Scene;
use crate::bench::credentials::Certificate;
use crate::bench::http::Connection;
use crate::bench::load::{Ask, Load, Outcome, Target};
use crate::bench::median;
use crate::bench::proc::{cpu_time, megabytes, memory, tree};
use crate::bench::proxies::{Place, Proxy};
use crate::process::{Supervised, interrupted};
use anyhow::{Context, Result, bail};
use rustls::ClientConfig;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use testkit::Folder;
use testkit::servers::free_ports;

const START_LIMIT: Duration = Duration::from_secs(20);
/// Fills connection pools and caches before anything is counted.
const WARM_UP: usize = 5_000;

/// Something that answers, and what was measured of it.
pub(super) struct Subject {
    pub(super) name: &'static str,
    port: u16,
    tls: Option<(u16, Arc<ClientConfig>)>,
    /// Nothing for the upstream without a proxy.
    running: Option<Supervised>,
    cpu: Vec<f64>,
    pub(super) memory: Vec<f64>,
    pub(super) outcomes: Vec<Outcome>,
    bowline: bool,
    // Removed after the process that uses it has ended.
    _home: Option<Folder>,
}

impl Subject {
    /// The upstream itself.
    pub(super) fn upstream(port: u16, ask: &Ask) -> Result<Self> {
        answers("the upstream", port, ask)?;
        Ok(Self {
            name: "(no proxy)",
            port,
            tls: None,
            running: None,
            cpu: Vec::new(),
            memory: Vec::new(),
            outcomes: Vec::new(),
            bowline: false,
            _home: None,
        })
    }

    /// A proxy in front of it.
    pub(super) fn start(proxy: &Proxy, upstream: u16, certificate: &Certificate, ask: &Ask) -> Result<Self> {
        let home = Folder::new("bench")?;
        let [port, tls_port] = free_ports()?;
        let tls = Some((tls_port, certificate));
        let running = proxy.start(&Place { home: home.path(), port, tls, upstream })?;
        answers(proxy.name(), port, ask).with_context(|| told(proxy.name(), home.path()))?;
        Ok(Self {
            name: proxy.name(),
            port,
            tls: Some((tls_port, Arc::clone(&certificate.client))),
            running: Some(running),
            bowline: matches!(proxy, Proxy::Bowline(_) | Proxy::BowlineFull(_)),
            _home: Some(home),
            ..Self::upstream(upstream, ask)?
        })
    }

    pub(super) fn is_proxy(&self) -> bool {
        self.running.is_some()
    }

    pub(super) fn is_bowline(&self) -> bool {
        self.bowline
    }

    /// One round of a scene.
    pub(super) fn measure(&mut self, scene: &Scene, ask: &Ask, smallest: usize) -> Result<()> {
        let requests = scene.requests(smallest);
        let target = match (scene.is_tls(), &self.tls) {
            (false, _) => Target { port: self.port, tls: None },
            (true, Some((port, config))) => Target { port: *port, tls: Some(Arc::clone(config)) },
            // The upstream speaks none.
            (true, None) => return Ok(()),
        };
        let mut load = Load::open(target, scene.connections).with_context(|| self.name)?;
        load.run(WARM_UP.min(requests), |_| ask).with_context(|| self.name)?;
        let processes = self.running.as_ref().map(|p| tree(p.id())).transpose()?.unwrap_or_default();
        let before = cpu_time(&processes)?;
        let outcome = load.run(requests, |_| ask).with_context(|| self.name)?;
        let used = cpu_time(&processes)?.saturating_sub(before);
        self.cpu.push(used.as_secs_f64() * 1e6 / outcome.requests as f64);
        self.memory.push(megabytes(memory(&processes)?));
        self.keep(outcome);
        Ok(())
    }

    /// One round in which nobody hurries.
    pub(super) fn calm(&mut self, run: impl Fn(u16) -> Result<Outcome>) -> Result<()> {
        let outcome = run(self.port).with_context(|| self.name)?;
        self.keep(outcome);
        Ok(())
    }

    fn keep(&mut self, outcome: Outcome) {
        if let Some(error) = &outcome.first_error {
            eprintln!("==> {}: {} wrong answers, the first: {error}", self.name, outcome.errors);
        }
        self.outcomes.push(outcome);
    }

    /// Makes room for the next scene; says how many answers of this one were wrong.
    pub(super) fn forget(&mut self) -> usize {
        let errors = self.errors();
        self.outcomes.clear();
        self.cpu.clear();
        self.memory.clear();
        errors
    }

    pub(super) fn errors(&self) -> usize {
        self.outcomes.iter().map(|outcome| outcome.errors).sum()
    }

    /// Microseconds of CPU time a request.
    pub(super) fn cpu(&self) -> f64 {
        median(&self.cpu)
    }

    pub(super) fn median(&self, figure: impl Fn(&Outcome) -> f64) -> f64 {
        median(&self.outcomes.iter().map(figure).collect::<Vec<_>>())
    }

    /// Within which this share of the requests was answered.
    pub(super) fn milliseconds(&self, share: f64) -> f64 {
        self.median(|outcome| outcome.percentile(share).as_secs_f64() * 1e3)
    }
}

/// Waits until it is answered as it should be.
pub(in crate::bench) fn answers(name: &str, port: u16, ask: &Ask) -> Result<()> {
    let end = Instant::now() + START_LIMIT;
    loop {
        let last = match Connection::open(port).and_then(|mut connection| connection.ask(&ask.request)) {
            Ok(answer) if answer.status == ask.status => return Ok(()),
            Ok(answer) => format!("status {}: {}", answer.status, String::from_utf8_lossy(&answer.body)),
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() > end || interrupted() {
            bail!("{name} does not answer as it should: {last}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// What a process that did not start wrote.
pub(in crate::bench) fn told(name: &str, home: &Path) -> String {
    let log = std::fs::read_to_string(home.join("log")).unwrap_or_default();
    format!("{name} did not start:\n{log}")
}

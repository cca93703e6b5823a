//! The servers under the measurements, and one run on them.

use crate::bench::median;
use crate::process::{GENEROUS, Supervised, interrupted};
use crate::prove::build::Tiny;
use crate::prove::stage::{BROKERS, Bus, Database};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::cell::Cell;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use testkit::Folder;
use testkit::servers::{KafkaMock, Nats, Postgres};

/// The topic of what is measured.
const TOPIC: &str = "probe";

/// The servers, started once: each run gets a database and topics of its own.
pub(in crate::bench) struct Ground {
    tiny: Tiny,
    postgres: Postgres,
    nats: Nats,
    runs: Cell<usize>,
}

impl Ground {
    pub(in crate::bench) fn lay(tiny: Tiny) -> Result<Self> {
        let (postgres, nats) = (Postgres::start_durable()?, Nats::start()?);
        Ok(Self { tiny, postgres, nats, runs: Cell::new(0) })
    }

    /// Runs one measurement in a process of its own and returns its figures.
    pub(in crate::bench) fn measure(
        &self,
        database: Database,
        bus: Bus,
        arguments: &[String],
    ) -> Result<Value> {
        let run = self.runs.get() + 1;
        self.runs.set(run);
        let home = Folder::new("bench")?;
        let (log, figures) = (home.path().join("log"), home.path().join("figures"));
        let mut command = Command::new(&self.tiny.binary);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATA_DIR", home.path().join("data"))
            .env("LOG_LEVEL", "warn")
            .envs(GENEROUS)
            .env("BOWLINE_DATABASE__SYNCHRONOUS", "full")
            .env("BOWLINE_BUS__PREFIX", format!("run{run}"))
            .args(arguments)
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(File::create(&figures)?)
            .stderr(File::create(&log)?);
        // A cluster of its own: the mock makes topics at its start only.
        let kafka = match bus {
            Bus::Kafka => Some(KafkaMock::start(BROKERS, &[&format!("run{run}-{TOPIC}")])?),
            Bus::Embedded | Bus::Nats => None,
        };
        if let Some(kafka) = &kafka {
            command.env("BUS_URL", kafka.url());
        }
        match bus {
            Bus::Embedded | Bus::Kafka => &mut command,
            Bus::Nats => command.env("BUS_URL", self.nats.url()),
        };
        if database == Database::Postgres {
            command.env("DATABASE_URL", self.postgres.url(&format!("run{run}_{{service}}")));
        }
        let succeeded = Supervised::spawn(&mut command)?.wait()?;
        if interrupted() {
            bail!("interrupted");
        }
        if !succeeded {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            bail!("{} on {}/{}: {log}", arguments.join(" "), database.name(), bus.name());
        }
        serde_json::from_str(&std::fs::read_to_string(&figures)?).context("the figures cannot be read")
    }

    /// The URL of databases of a run of their own, with `{service}` in it.
    pub(in crate::bench) fn database(&self) -> String {
        let run = self.runs.get() + 1;
        self.runs.set(run);
        self.postgres.url(&format!("run{run}_{{service}}"))
    }

    /// The program of the tiny services.
    pub(in crate::bench) fn tiny(&self) -> &Path {
        &self.tiny.binary
    }

    /// The process id of the PostgreSQL server.
    pub(super) fn postgres_pid(&self) -> Result<u32> {
        let file = std::fs::read_to_string(self.postgres.socket_folder().join("data/postmaster.pid"))?;
        Ok(file.lines().next().context("an empty process id file")?.trim().parse()?)
    }
}

/// The median of one figure over the rounds.
pub(in crate::bench) fn middle(rounds: &[Value], figure: &str) -> f64 {
    median(&rounds.iter().filter_map(|round| round[figure].as_f64()).collect::<Vec<_>>())
}

/// Whether an aim was met.
pub(in crate::bench) fn verdict(met: bool) -> String {
    if met { "met" } else { "missed" }.to_owned()
}

//! The processes of the measurement: a gateway alone, and a service of its own that publishes and vouches for the clients.

use crate::bench::http::{Connection, status};
use crate::bench::proxies::bowline;
use crate::process::{GENEROUS, Supervised, interrupted};
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::Folder;
use testkit::servers::free_ports;

const READY_LIMIT: Duration = Duration::from_secs(60);
/// Signs the credentials between the two.
const KEY: &str = "a-service-key-for-measurements-that-is-long";

/// What both stand on.
pub(super) struct Under<'a> {
    pub(super) bus: &'a str,
    /// The URL of the databases; nothing for SQLite.
    pub(super) database: Option<String>,
}

/// The running processes. They end with this value.
pub(super) struct Stage {
    pub(super) gateway: Supervised,
    pub(super) port: u16,
    pub(super) ops: u16,
    herald: u16,
    _herald: Supervised,
    home: Folder,
}

impl Stage {
    pub(super) fn set(binary: &Path, tiny: &Path, clients: usize, under: &Under<'_>) -> Result<Self> {
        let home = Folder::new("bench")?;
        let [port, ops, herald] = free_ports()?;
        let mut publisher = Command::new(tiny);
        publisher.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        publisher.arg("bench-herald").envs(GENEROUS).envs([
            ("PORT", herald.to_string()),
            ("DATA_DIR", home.path().join("herald").display().to_string()),
            ("BOWLINE_AUTH__ISSUER", "herald".to_owned()),
            ("BOWLINE_HTTP__REQUEST_TIMEOUT_MS", "3600000".to_owned()),
        ]);
        let mut gateway = bowline(binary, home.path(), port, ops);
        gateway.args(["run", "--target", "gateway"]).envs([
            ("BOWLINE_PEERS__AUTH", format!("http://127.0.0.1:{herald}")),
            ("BOWLINE_HTTP__MAX_CONNECTIONS", (clients + 100).to_string()),
            ("BOWLINE_GATEWAY__LIVE_MAX_CONNECTIONS", (clients + 100).to_string()),
        ]);
        for command in [&mut publisher, &mut gateway] {
            command.envs([
                ("LOG_LEVEL", "warn"),
                ("BUS_URL", under.bus),
                ("BOWLINE_IDENTITY__SERVICE_KEY", KEY),
                ("BOWLINE_DATABASE__SYNCHRONOUS", "full"),
            ]);
            if let Some(url) = &under.database {
                command.env("DATABASE_URL", url);
            }
        }
        let publisher = start(publisher, home.path(), "herald.log")?;
        let gateway = start(gateway, home.path(), "gateway.log")?;
        let stage = Self { gateway, port, ops, herald, _herald: publisher, home };
        stage.wait_until_ready()?;
        Ok(stage)
    }

    fn wait_until_ready(&self) -> Result<()> {
        let end = Instant::now() + READY_LIMIT;
        let ready = || {
            status(self.herald, "/api/v1/herald").ok() == Some(200)
                && status(self.ops, "/ready").ok() == Some(200)
        };
        while !ready() {
            if Instant::now() > end || interrupted() {
                bail!("the gateway is not ready:\n{}", self.logs());
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    /// What the processes have said.
    pub(super) fn logs(&self) -> String {
        let read = |name| std::fs::read_to_string(self.home.path().join(name)).unwrap_or_default();
        format!("{}{}", read("herald.log"), read("gateway.log"))
    }

    /// Access tokens of so many people.
    pub(super) fn people(&self, count: usize) -> Result<Vec<String>> {
        let tokens = self.post(&format!("people/{count}"), READY_LIMIT)?;
        serde_json::from_value(tokens).context("tokens")
    }

    /// Has messages published, and waits until the last is committed. Says how many seconds that took.
    pub(super) fn tell(&self, from: usize, count: usize, rate: usize) -> Result<f64> {
        let patience = Duration::from_secs((count / rate.max(1)) as u64 * 3 + 60);
        let told = self.post(&format!("tell/{from}/{count}/{rate}"), patience)?;
        told["seconds"].as_f64().context("how long it took")
    }

    fn post(&self, path: &str, patience: Duration) -> Result<Value> {
        let request =
            format!("POST /api/v1/herald/{path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 0\r\n\r\n");
        let answer = Connection::open_within(self.herald, patience)?.ask(request.as_bytes())?;
        let mut body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status != 200 {
            bail!("the publisher answered {} {body}\n{}", answer.status, self.logs());
        }
        Ok(body["data"].take())
    }
}

fn start(mut command: Command, home: &Path, log: &str) -> Result<Supervised> {
    let log = File::create(home.join(log))?;
    command.current_dir(home).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    Supervised::spawn(&mut command)
}

//! The processes of the tiny services, which are killed and started again on the same ports and data.

use crate::bench::http;
use crate::process::{GENEROUS, Supervised, interrupted};
use anyhow::{Context, Result, bail};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use testkit::servers::free_ports;

/// A debug build that shares two cores with all the others needs a while.
const READY_LIMIT: Duration = Duration::from_secs(60);
const LAST_LINES: usize = 25;

/// Settings that every process of a cluster gets.
pub(super) type Settings = Vec<(String, String)>;

/// One process: its place, its settings, and the process itself when it runs.
pub(super) struct Member {
    name: String,
    target: &'static str,
    port: u16,
    ops_port: u16,
    home: PathBuf,
    process: Option<Supervised>,
}

/// All processes of one run.
pub(super) struct Cluster {
    binary: PathBuf,
    command: &'static [&'static str],
    settings: Settings,
    members: Vec<Member>,
}

impl Cluster {
    /// Starts a process for each of these targets, by this command of the binary, with their data below `home`, and waits
    /// until all are ready.
    pub(super) fn start(
        binary: &Path,
        command: &'static [&'static str],
        home: &Path,
        targets: &[&'static str],
        mut settings: Settings,
    ) -> Result<Self> {
        let mut members = Vec::new();
        for (number, target) in targets.iter().enumerate() {
            let name = format!("{target}-{}", number + 1);
            let home = home.join(&name);
            std::fs::create_dir_all(&home)?;
            let [port, ops_port] = free_ports()?;
            members.push(Member { name, target, port, ops_port, home, process: None });
        }
        for member in &members {
            let variable = format!("BOWLINE_PEERS__{}", member.target.to_uppercase());
            if member.target != "all" && !settings.iter().any(|(name, _)| *name == variable) {
                settings.push((variable, format!("http://127.0.0.1:{}", member.port)));
            }
        }
        let mut cluster = Self { binary: binary.to_owned(), command, settings, members };
        for index in 0..cluster.members.len() {
            cluster.launch(index)?;
        }
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn name(&self, index: usize) -> &str {
        &self.members[index].name
    }

    /// The ports on which a service is asked, one for each of its processes.
    pub(super) fn ports(&self, service: &str) -> Vec<u16> {
        let serves = |member: &&Member| member.target == service || member.target == "all";
        self.members.iter().filter(serves).map(|member| member.port).collect()
    }

    /// Kills a process with SIGKILL and starts it again at once.
    pub(super) fn kill_and_restart(&mut self, index: usize) -> Result<()> {
        if let Some(mut process) = self.members[index].process.take() {
            process.kill()?;
        }
        self.launch(index)
    }

    /// Looks whether a process has ended by itself. One that lost its port to somebody else while it was down is started
    /// again; any other end is a fault.
    pub(super) fn look(&mut self) -> Result<()> {
        if interrupted() {
            bail!("interrupted");
        }
        for index in 0..self.members.len() {
            let member = &mut self.members[index];
            if member.process.as_mut().is_some_and(Supervised::is_running) {
                continue;
            }
            let last = member.last_lines();
            if !last.contains("cannot listen on") && !last.contains("cannot use 127.0.0.1") {
                bail!("{} ended by itself; the last lines of its log:\n{last}", member.name);
            }
            self.launch(index)?;
        }
        Ok(())
    }

    pub(super) fn wait_until_ready(&mut self) -> Result<()> {
        let end = Instant::now() + READY_LIMIT;
        loop {
            self.look()?;
            let unready = self.members.iter().find(|member| !member.is_ready());
            let Some(member) = unready else { return Ok(()) };
            if Instant::now() > end {
                bail!("{} is not ready after {READY_LIMIT:?}:\n{}", member.name, member.last_lines());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks all processes to stop and waits; tells which did not end in order.
    pub(super) fn stop(self) -> Result<()> {
        for mut member in self.members {
            let Some(process) = member.process.take() else { continue };
            if !process.stop()? {
                bail!("{} did not stop in order:\n{}", member.name, member.last_lines());
            }
        }
        Ok(())
    }

    fn launch(&mut self, index: usize) -> Result<()> {
        let member = &mut self.members[index];
        let log = File::options().create(true).append(true).open(member.log())?;
        let mut command = Command::new(&self.binary);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command
            .args(self.command)
            .args(["--target", member.target])
            .env("PORT", member.port.to_string())
            .env("OPS_PORT", member.ops_port.to_string())
            .env("DATA_DIR", member.home.join("data"))
            .env("LOG_LEVEL", "warn")
            .env("BOWLINE_HTTP__THREADS", "1")
            .envs(GENEROUS)
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .current_dir(&member.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        member.process = Some(Supervised::spawn(&mut command)?);
        Ok(())
    }
}

impl Member {
    fn is_ready(&self) -> bool {
        http::status(self.ops_port, "/ready").ok() == Some(200)
    }

    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    fn last_lines(&self) -> String {
        let log = std::fs::read_to_string(self.log()).context("no log").unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

//! One Redis process, and what it is asked.

use super::account::Account;
use super::guardian::{Guarded, signal, until};
use crate::Folder;
use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// For the answer to one command.
const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// The account that Debian's package makes.
const REDIS: &str = "redis";
const PROGRAM: &str = "redis-server";

/// A Redis process on a port of 127.0.0.1, with its files in a folder of its own. Dropping it stops it.
#[derive(Debug)]
pub(super) struct Node {
    // Dropped in this order: first the server, then its folder.
    running: Option<Guarded>,
    port: u16,
    settings: Vec<String>,
    program: PathBuf,
    account: Account,
    home: Folder,
}

/// The installed server program.
pub(super) fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}

impl Node {
    /// A node that has not been started.
    pub(super) fn new(port: u16, settings: &[&str]) -> Result<Self> {
        let program =
            installed().context("Redis is not installed (Debian: `apt-get install redis-server`)")?;
        let account = Account::unless_root(REDIS)?;
        let home = account.folder(REDIS)?;
        let settings = settings.iter().map(|&word| word.to_owned()).collect();
        Ok(Self { running: None, port, settings, program, account, home })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Starts it without waiting for it.
    pub(super) fn launch(&mut self) -> Result<()> {
        let port = self.port.to_string();
        let common = ["--port", &port, "--bind", "127.0.0.1", "--save", ""].map(str::to_owned);
        let arguments: Vec<String> = common.into_iter().chain(self.settings.iter().cloned()).collect();
        let started = Guarded::start(self.account, self.home.path(), "TERM", &self.program, &arguments)?;
        self.running = Some(started);
        Ok(())
    }

    /// Waits until it answers.
    pub(super) fn wait(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else { bail!("Redis was not started") };
        if until(START_LIMIT, || self.answers() || !running.is_running()) && running.is_running() {
            self.running = Some(running);
            return Ok(());
        }
        running.ask_to_stop();
        running.wait(STOP_LIMIT);
        let log = std::fs::read_to_string(self.home.path().join("server.log"));
        bail!("Redis did not start; its log:\n{}", log.unwrap_or_default())
    }

    /// Tells it to stop without waiting for it.
    pub(super) fn ask_to_stop(&mut self) {
        if let Some(running) = &mut self.running {
            running.ask_to_stop();
        }
    }

    pub(super) fn stop(&mut self) -> Result<()> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        running.ask_to_stop();
        ensure!(running.wait(STOP_LIMIT), "Redis did not stop within {STOP_LIMIT:?}");
        Ok(())
    }

    /// Kills it with `kill -9`, as a crash would.
    pub(super) fn kill(&mut self) -> Result<()> {
        let pid = self.field("server", "process_id")?.parse().context("a process id is a number")?;
        signal(pid, "KILL")?;
        let Some(mut running) = self.running.take() else { return Ok(()) };
        let ended = running.wait(STOP_LIMIT);
        running.ask_to_stop();
        ensure!(ended, "process {pid} survived a kill -9");
        Ok(())
    }

    pub(super) fn answers(&self) -> bool {
        self.ask(&["PING"]).is_ok_and(|answer| answer == "PONG")
    }

    /// A field of a section of `INFO`.
    pub(super) fn field(&self, section: &str, name: &str) -> Result<String> {
        let info = self.ask(&["INFO", section])?;
        let found = info.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        found.map(str::to_owned).with_context(|| format!("INFO {section} has no {name}"))
    }

    /// Sends a command whose answer is one text or number; nothing is an empty text.
    pub(super) fn ask(&self, command: &[&str]) -> Result<String> {
        let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
        socket.set_read_timeout(Some(ANSWER_LIMIT))?;
        let mut request = format!("*{}\r\n", command.len());
        for word in command {
            request += &format!("${}\r\n{word}\r\n", word.len());
        }
        socket.write_all(request.as_bytes())?;
        let mut socket = BufReader::new(socket);
        let mut line = String::new();
        socket.read_line(&mut line)?;
        let (kind, rest) = line.trim_end().split_at_checked(1).context("no answer")?;
        match kind {
            "+" | ":" => Ok(rest.to_owned()),
            "$" if rest == "-1" => Ok(String::new()),
            "$" => {
                let mut text = vec![0; rest.parse()?];
                socket.read_exact(&mut text)?;
                Ok(String::from_utf8(text)?)
            }
            _ => bail!("{}: {line}", command.join(" ")),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error:#}");
        }
    }
}

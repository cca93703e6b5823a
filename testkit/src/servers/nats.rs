//! A NATS server with JetStream of one's own.

use super::account::Account;
use super::free_port;
use super::guardian::{Guarded, signal, until};
use crate::Folder;
use anyhow::{Context, Result, bail};
use std::io::Read;
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// The account that Debian's package makes.
const NATS: &str = "nats";
const PROGRAM: &str = "nats-server";

/// A private NATS with JetStream on 127.0.0.1. What it stores stays over a restart; dropping it stops it and removes its
/// folder.
#[derive(Debug)]
pub struct Nats {
    // Dropped in this order: first the server, then its folder.
    running: Option<Guarded>,
    port: u16,
    program: PathBuf,
    account: Account,
    home: Folder,
}

impl Nats {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// NATS is not installed, or did not start; the message ends with the server's log.
    pub fn start() -> Result<Self> {
        let program =
            Self::installed().context("NATS is not installed (Debian: `apt-get install nats-server`)")?;
        let account = Account::unless_root(NATS)?;
        let home = account.folder(NATS)?;
        let mut server = Self { running: None, port: free_port()?, program, account, home };
        server.restart()?;
        Ok(server)
    }

    /// The installed server program.
    pub fn installed() -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
        folders.map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The TCP port on 127.0.0.1. It stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server in an orderly way.
    ///
    /// # Errors
    /// It did not stop in time.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.running.take() else { return Ok(()) };
        server.ask_to_stop();
        if !server.wait(STOP_LIMIT) {
            bail!("NATS did not stop within {STOP_LIMIT:?}");
        }
        Ok(())
    }

    /// Kills the server with `kill -9`, as a crash would. [`Nats::restart`] starts it again on what it had stored.
    ///
    /// # Errors
    /// The signal could not be sent, or the process did not end.
    pub fn kill(&mut self) -> Result<()> {
        let Some(mut server) = self.running.take() else { return Ok(()) };
        let pid = std::fs::read_to_string(self.pid_file()).context("the server has no process id file")?;
        signal(pid.trim().parse()?, "KILL")?;
        let ended = server.wait(STOP_LIMIT);
        server.ask_to_stop();
        if !ended {
            bail!("process {pid} survived a kill -9");
        }
        Ok(())
    }

    /// Starts the server on the same port and on what it had stored; stops it first when it runs.
    ///
    /// # Errors
    /// It did not stop or not start.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        let (port, store) = (self.port.to_string(), self.home.path().join("jetstream"));
        let (store, pid_file) = (store.display().to_string(), self.pid_file().display().to_string());
        let words = [
            "--addr",
            "127.0.0.1",
            "--port",
            &port,
            "--jetstream",
            "--store_dir",
            &store,
            "--pid",
            &pid_file,
        ];
        let arguments: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let mut running = Guarded::start(self.account, self.home.path(), "TERM", &self.program, &arguments)?;
        if until(START_LIMIT, || self.answers() || !running.is_running()) && running.is_running() {
            self.running = Some(running);
            return Ok(());
        }
        running.ask_to_stop();
        running.wait(STOP_LIMIT);
        let log = std::fs::read_to_string(self.home.path().join("server.log"));
        bail!("NATS did not start; its log:\n{}", log.unwrap_or_default())
    }

    fn pid_file(&self) -> PathBuf {
        self.home.path().join("nats.pid")
    }

    /// The server greets whoever connects, once everything in it runs.
    fn answers(&self) -> bool {
        let greeting = || -> std::io::Result<bool> {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            let mut greeting = [0_u8; 5];
            socket.read_exact(&mut greeting)?;
            Ok(&greeting == b"INFO ")
        };
        greeting().unwrap_or(false)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("{error:#}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_killed_and_starts_again_on_its_port() {
        if Nats::installed().is_none() {
            assert!(!crate::engines::is_ci(), "CI=true but there is no nats-server");
            return;
        }
        let mut nats = Nats::start().unwrap();
        assert!(nats.answers());
        nats.kill().unwrap();
        assert!(!nats.answers());
        nats.restart().unwrap();
        assert!(nats.answers());
    }
}

//! A Redis server of one's own.

use super::account::Account;
use super::free_port;
use super::guardian::{Guarded, until};
use crate::Folder;
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_LIMIT: Duration = Duration::from_secs(10);
/// The account that Debian's package makes.
const REDIS: &str = "redis";
const PROGRAM: &str = "redis-server";

/// A private Redis on 127.0.0.1 that keeps nothing on disk. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Redis {
    // Dropped in this order: first the server, then its folder.
    running: Option<Guarded>,
    port: u16,
    program: PathBuf,
    account: Account,
    home: Folder,
}

impl Redis {
    /// Starts a server on a free port.
    ///
    /// # Errors
    /// Redis is not installed, or did not start; the message ends with the server's log.
    pub fn start() -> Result<Self> {
        let program =
            Self::installed().context("Redis is not installed (Debian: `apt-get install redis-server`)")?;
        let account = Account::unless_root(REDIS)?;
        let home = account.folder(REDIS)?;
        let mut server = Self { running: None, port: free_port()?, program, account, home };
        server.restart()?;
        Ok(server)
    }

    /// The installed server program.
    pub fn installed() -> Option<PathBuf> {
        let path = std::env::var_os("PATH")?;
        std::env::split_paths(&path).map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// The TCP port on 127.0.0.1. It stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server. What it held is gone.
    ///
    /// # Errors
    /// It did not stop in time.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.running.take() else { return Ok(()) };
        server.ask_to_stop();
        if !server.wait(STOP_LIMIT) {
            bail!("Redis did not stop within {STOP_LIMIT:?}");
        }
        Ok(())
    }

    /// Starts the server again on the same port, empty; stops it first when it runs.
    ///
    /// # Errors
    /// It did not stop or not start.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        let port = self.port.to_string();
        let settings = ["--port", &port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"];
        let arguments: Vec<String> = settings.iter().map(|&word| word.to_owned()).collect();
        let mut running = Guarded::start(self.account, self.home.path(), "TERM", &self.program, &arguments)?;
        if until(START_LIMIT, || self.answers() || !running.is_running()) && running.is_running() {
            self.running = Some(running);
            return Ok(());
        }
        running.ask_to_stop();
        running.wait(STOP_LIMIT);
        let log = std::fs::read_to_string(Path::new(self.home.path()).join("server.log"));
        bail!("Redis did not start; its log:\n{}", log.unwrap_or_default())
    }

    fn answers(&self) -> bool {
        let ask = || -> std::io::Result<bool> {
            let mut socket = TcpStream::connect(("127.0.0.1", self.port))?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            socket.write_all(b"PING\r\n")?;
            let mut answer = [0_u8; 5];
            socket.read_exact(&mut answer)?;
            Ok(&answer == b"+PONG")
        };
        ask().unwrap_or(false)
    }
}

impl Drop for Redis {
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
    fn a_server_starts_stops_and_starts_again_on_its_port() {
        if Redis::installed().is_none() {
            assert!(!crate::engines::is_ci(), "CI=true but there is no redis-server");
            return;
        }
        let mut redis = Redis::start().unwrap();
        assert!(redis.answers());
        redis.stop().unwrap();
        assert!(!redis.answers());
        redis.restart().unwrap();
        assert!(redis.answers());
    }
}

//! A Redis server of one's own.

use super::free_port;
use super::redis_node::{self, Node};
use anyhow::Result;
use std::path::PathBuf;

/// A private Redis on 127.0.0.1. Dropping it stops it and removes its folder.
#[derive(Debug)]
pub struct Redis(Node);

impl Redis {
    /// Starts a server on a free port that keeps nothing on disk.
    ///
    /// # Errors
    /// Redis is not installed, or did not start; the message ends with the server's log.
    pub fn start() -> Result<Self> {
        Self::with(&["--appendonly", "no"])
    }

    /// [`Redis::start`] with every write forced to disk before it is answered; it keeps everything over a restart.
    ///
    /// # Errors
    /// As [`Redis::start`].
    pub fn start_durable() -> Result<Self> {
        Self::with(&["--appendonly", "yes", "--appendfsync", "always"])
    }

    fn with(settings: &[&str]) -> Result<Self> {
        let mut server = Self(Node::new(free_port()?, settings)?);
        server.restart()?;
        Ok(server)
    }

    /// The installed server program.
    pub fn installed() -> Option<PathBuf> {
        redis_node::installed()
    }

    /// The URL of the server.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port())
    }

    /// The TCP port on 127.0.0.1. It stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.0.port()
    }

    /// Stops the server in an orderly way. What it held is gone unless it was started durable.
    ///
    /// # Errors
    /// It did not stop in time.
    pub fn stop(&mut self) -> Result<()> {
        self.0.stop()
    }

    /// Kills the server with `kill -9`, as a crash would.
    ///
    /// # Errors
    /// The signal could not be sent, or the process did not end.
    pub fn kill(&mut self) -> Result<()> {
        self.0.kill()
    }

    /// Starts the server again on the same port; stops it first when it runs.
    ///
    /// # Errors
    /// It did not stop or not start.
    pub fn restart(&mut self) -> Result<()> {
        self.0.stop()?;
        self.0.launch()?;
        self.0.wait()
    }

    /// Sends a command whose answer is one text or number.
    ///
    /// # Errors
    /// The server is away, or answered with an error.
    pub fn ask(&self, command: &[&str]) -> Result<String> {
        self.0.ask(command)
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
        assert!(redis.0.answers());
        redis.stop().unwrap();
        assert!(!redis.0.answers());
        redis.restart().unwrap();
        assert!(redis.0.answers());
    }

    #[test]
    fn a_durable_server_keeps_what_it_answered_over_a_kill() {
        if Redis::installed().is_none() {
            assert!(!crate::engines::is_ci(), "CI=true but there is no redis-server");
            return;
        }
        let mut redis = Redis::start_durable().unwrap();
        redis.ask(&["SET", "a", "1"]).unwrap();
        redis.kill().unwrap();
        redis.restart().unwrap();
        assert_eq!(redis.ask(&["GET", "a"]).unwrap(), "1");
    }
}

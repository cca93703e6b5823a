//! A PostgreSQL server of one's own.

use super::account::Account;
use super::free_port;
use super::guardian::{Guarded, signal, until};
use crate::Folder;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Starting takes about a second; a machine that compiles on all cores may need far longer.
const START_LIMIT: Duration = Duration::from_secs(60);
const STOP_LIMIT: Duration = Duration::from_secs(20);
/// The account that Debian's package makes, and the name of the superuser in the cluster.
const POSTGRES: &str = "postgres";

/// A private PostgreSQL cluster on 127.0.0.1 and on a socket in its own folder. Anybody on the machine may log in as
/// the superuser `postgres` without a password. Dropping it stops the server and removes the folder.
#[derive(Debug)]
pub struct Postgres {
    // Dropped in this order: first the server, then its folder.
    running: Option<Guarded>,
    last_pid: Option<u32>,
    port: u16,
    programs: PathBuf,
    account: Account,
    durable: bool,
    home: Folder,
}

impl Postgres {
    /// Creates a cluster and starts it, with `fsync` off: a power cut would damage it. A `kill -9` of
    /// the server does not, but loses the last commits: `synchronous_commit` is off too.
    ///
    /// # Errors
    /// PostgreSQL is not installed, or did not start; the message ends with the server's log.
    pub fn start() -> Result<Self> {
        Self::create(false)
    }

    /// [`Postgres::start`] with every commit forced to disk, to measure what production pays.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub fn start_durable() -> Result<Self> {
        Self::create(true)
    }

    /// The folder of the newest installed server programs: Debian's, otherwise what `PATH` has.
    pub fn installed() -> Option<PathBuf> {
        let complete = |bin: &PathBuf| bin.join("initdb").is_file() && bin.join(POSTGRES).is_file();
        let version = |bin: &PathBuf| -> u32 {
            bin.parent()
                .and_then(Path::file_name)
                .and_then(|v| v.to_str())
                .and_then(|v| v.parse().ok())
                .unwrap_or(0)
        };
        let debian = std::fs::read_dir("/usr/lib/postgresql").ok().and_then(|versions| {
            versions.flatten().map(|v| v.path().join("bin")).filter(complete).max_by_key(version)
        });
        debian.or_else(|| std::env::split_paths(&std::env::var_os("PATH")?).find(complete))
    }

    /// The URL of `database` over TCP; `postgres` is the one that is always there.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://{POSTGRES}@127.0.0.1:{}/{database}", self.port)
    }

    /// The TCP port on 127.0.0.1. It stays the same over a restart.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of the Unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.home.path()
    }

    /// Stops the server in an orderly way: clients are disconnected, everything is written. Its data stays.
    ///
    /// # Errors
    /// It did not stop in time; it is killed then.
    pub fn stop(&mut self) -> Result<()> {
        let Some(mut server) = self.running.take() else { return Ok(()) };
        server.ask_to_stop();
        if server.wait(STOP_LIMIT) {
            return Ok(());
        }
        let log = self.log();
        self.kill_process(&mut server)?;
        bail!("PostgreSQL did not stop within {STOP_LIMIT:?} and was killed; its log:\n{log}")
    }

    /// Starts the server again on the same port and data; stops it first when it runs.
    ///
    /// # Errors
    /// It did not stop or not start.
    pub fn restart(&mut self) -> Result<()> {
        self.stop()?;
        self.launch(START_LIMIT)
    }

    /// Kills the server with `kill -9`, as a crash would. [`Postgres::restart`] recovers it.
    ///
    /// # Errors
    /// The signal could not be sent, or the process did not end.
    pub fn kill(&mut self) -> Result<()> {
        match self.running.take() {
            Some(mut server) => self.kill_process(&mut server),
            None => Ok(()),
        }
    }

    fn create(durable: bool) -> Result<Self> {
        let programs = Self::installed()
            .context("PostgreSQL is not installed (Debian: `apt-get install postgresql`)")?;
        let account = Account::unless_root(POSTGRES)?;
        let home = account.folder("pg")?;
        let mut server = Self { running: None, last_pid: None, port: 0, programs, account, durable, home };
        server.initialise()?;
        let end = Instant::now() + START_LIMIT;
        loop {
            // Another process may take the port between our look and the server's.
            server.port = free_port()?;
            match server.launch(end.saturating_duration_since(Instant::now())) {
                Err(e) if format!("{e}").contains("Address already in use") && Instant::now() < end => {
                    continue;
                }
                other => return other.map(|()| server),
            }
        }
    }

    fn initialise(&self) -> Result<()> {
        let output = self
            .account
            .command(&self.programs.join("initdb"))
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username", POSTGRES, "--auth", "trust", "--encoding", "UTF8", "--locale", "C.UTF-8"])
            .args(["--no-sync", "--no-instructions"])
            .current_dir(self.home.path())
            .output()
            .context("cannot run initdb")?;
        if !output.status.success() {
            bail!("initdb failed:\n{}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(())
    }

    /// Starts the server and waits until it accepts connections. After a kill, processes of the old server may hold its
    /// memory for a moment longer; the new one refuses to start until they are gone, so that is tried again.
    fn launch(&mut self, limit: Duration) -> Result<()> {
        let end = Instant::now() + limit;
        loop {
            let log_start = self.log().len();
            let server = self.programs.join(POSTGRES);
            let mut running =
                Guarded::start(self.account, self.home.path(), "INT", &server, &self.arguments())?;
            let ready = until(end.saturating_duration_since(Instant::now()), || {
                self.is_ready() || !running.is_running()
            }) && running.is_running();
            if ready {
                self.last_pid = self.status().map(|(pid, _)| pid);
                self.running = Some(running);
                return Ok(());
            }
            running.ask_to_stop();
            running.wait(STOP_LIMIT);
            let log = self.log().split_off(log_start);
            if !log.contains("is still in use") || Instant::now() >= end {
                bail!("PostgreSQL did not start; its log:\n{log}");
            }
        }
    }

    fn arguments(&self) -> Vec<String> {
        let mut settings = vec![
            format!("port={}", self.port),
            "listen_addresses=127.0.0.1".to_owned(),
            format!("unix_socket_directories={}", self.home.path().display()),
            // Every test has a database and a few pools of its own.
            "max_connections=400".to_owned(),
            "shared_buffers=64MB".to_owned(),
        ];
        if !self.durable {
            settings
                .extend(["fsync=off", "synchronous_commit=off", "full_page_writes=off"].map(str::to_owned));
        }
        let mut arguments = vec!["-D".to_owned(), self.data().display().to_string()];
        arguments.extend(settings.into_iter().flat_map(|setting| ["-c".to_owned(), setting]));
        arguments
    }

    fn kill_process(&self, server: &mut Guarded) -> Result<()> {
        let (pid, _) = self.status().context("the server has no process id file")?;
        signal(pid, "KILL")?;
        let ended = server.wait(STOP_LIMIT);
        server.ask_to_stop();
        if !ended {
            bail!("process {pid} survived a kill -9");
        }
        Ok(())
    }

    fn is_ready(&self) -> bool {
        // The file of a killed server stays behind and says ready as well.
        self.status().is_some_and(|(pid, ready)| ready && Some(pid) != self.last_pid)
    }

    /// The server's process id, and whether it accepts connections, as its own file says.
    fn status(&self) -> Option<(u32, bool)> {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).ok()?;
        let mut lines = file.lines();
        let pid = lines.next()?.trim().parse().ok()?;
        Some((pid, lines.nth(6).is_some_and(|status| status.trim() == "ready")))
    }

    fn data(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log(&self) -> String {
        std::fs::read(self.home.path().join("server.log"))
            .map(|log| String::from_utf8_lossy(&log).into_owned())
            .unwrap_or_default()
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(e) = self.stop() {
            eprintln!("{e:#}");
        }
    }
}

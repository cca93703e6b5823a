//! One process of the binary, started with an environment of its own and ended with the test.

use serde_json::Value;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};
use testkit::Folder;

const BINARY: &str = env!("CARGO_BIN_EXE_bowline");
const PATIENCE: Duration = Duration::from_secs(60);
const UNKNOWN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0);
/// Where a process listens that has not said yet where it does.
const NOWHERE: Places = Places { public: UNKNOWN, secure: None, ops: UNKNOWN };

/// One process of the platform.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
    folder: Folder,
    places: Places,
}

/// Where a process listens.
#[derive(Clone, Copy)]
struct Places {
    public: SocketAddr,
    /// Where it speaks HTTPS, if it does.
    secure: Option<SocketAddr>,
    ops: SocketAddr,
}

impl Process {
    /// Starts `bowline run` with these settings, and waits until it is ready. `BOWLINE_TARGET` names the target.
    pub(crate) fn start(settings: &[(&str, &str)]) -> Self {
        Self::launch(settings).ready()
    }

    /// Starts it, and waits for nothing.
    pub(crate) fn launch(settings: &[(&str, &str)]) -> Starting {
        let folder = Folder::new("process").unwrap();
        let log = folder.path().join("log");
        let target =
            settings.iter().find(|(name, _)| *name == "BOWLINE_TARGET").map_or("all", |(_, target)| target);
        let mut command = command(settings);
        command.args(["run", "--target", target]).current_dir(folder.path());
        command
            .stdin(Stdio::null())
            .stdout(File::create(&log).unwrap())
            .stderr(File::options().append(true).open(&log).unwrap());
        Starting(Self { child: command.spawn().unwrap(), log, folder, places: NOWHERE })
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.places.public)
    }

    pub(crate) fn ops_url(&self) -> String {
        format!("http://{}", self.places.ops)
    }

    pub(crate) fn port(&self) -> u16 {
        self.places.public.port()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.places.public
    }

    /// Where it speaks HTTPS.
    pub(crate) fn secure_address(&self) -> SocketAddr {
        self.places.secure.unwrap()
    }

    /// What it answers who asks whether it is ready, head and all.
    fn readiness(&self) -> String {
        let mut connection = TcpStream::connect(self.places.ops).unwrap();
        connection
            .write_all(b"GET /ready HTTP/1.1\r\nhost: operations\r\nconnection: close\r\n\r\n")
            .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Everything that it has logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// Sends a signal by its name, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        // The shell has a kill of its own; a bare machine has no such program.
        let kill = format!("kill -s {name} {}", self.child.id());
        let sent = Command::new("/bin/sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
    }

    /// Stops it from running until it is continued, and waits until it stands still.
    pub(crate) fn freeze(&self) {
        self.signal("STOP");
        let stat = format!("/proc/{}/stat", self.child.id());
        let until = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&stat).unwrap().contains(") T ") {
            assert!(Instant::now() < until, "it does not stand still");
            std::thread::yield_now();
        }
    }

    /// Ends it with SIGKILL.
    pub(crate) fn kill(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> ExitStatus {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < until, "still running after {PATIENCE:?}:\n{}", self.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

/// A process that has been started and may not be ready yet.
pub(crate) struct Starting(Process);

impl Starting {
    /// Waits until it says that work is welcome, as whoever sends work to it does: one that started before its peers did
    /// takes a moment to hear of them.
    pub(crate) fn ready(mut self) -> Process {
        self.0.places = listening(&mut self.0.child, &self.0.log);
        let until = Instant::now() + PATIENCE;
        loop {
            let answer = self.0.readiness();
            if answer.starts_with("HTTP/1.1 200 ") {
                return self.0;
            }
            assert!(Instant::now() < until, "not ready after {PATIENCE:?}: {answer}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
        if std::thread::panicking() {
            eprintln!("log of {}:\n{}", self.folder.path().display(), self.log());
        }
    }
}

/// Runs a command of the binary to its end.
pub(crate) fn bowline(arguments: &[&str], settings: &[(&str, &str)], input: &str) -> Output {
    let folder = Folder::new("command").unwrap();
    let mut command = command(settings);
    command.args(arguments).current_dir(folder.path());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // It may end before it has read everything.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    child.wait_with_output().unwrap()
}

/// A journey asks more often than any client may; one about limits sets its own.
const GENEROUS: [(&str, &str); 5] = [
    ("BOWLINE_LIMITS__PUBLIC", "1000000 per 1m by ip"),
    ("BOWLINE_LIMITS__API", "1000000 per 1m by user"),
    ("BOWLINE_LIMITS__AUTH", "1000000 per 1m by ip"),
    ("BOWLINE_LIMITS__ORDERS", "1000000 per 1m by user"),
    ("BOWLINE_LIMITS__PAYMENTS", "1000000 per 1m by user"),
];

/// The binary with nothing of this process's environment but these settings.
fn command(settings: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command.env_clear().env("PORT", "0").env("OPS_PORT", "0").env("LOG_LEVEL", "debug").envs(GENEROUS);
    command.envs(settings.iter().filter(|(name, _)| *name != "BOWLINE_TARGET").copied());
    command
}

/// Waits for the line that says where it listens.
fn listening(child: &mut Child, log: &PathBuf) -> Places {
    let until = Instant::now() + PATIENCE;
    loop {
        for line in BufReader::new(File::open(log).unwrap()).lines().map_while(Result::ok) {
            let line: Value = serde_json::from_str(&line).unwrap_or_default();
            if line["message"] == "started" {
                let address = |field: &str| Some(line[field].as_str()?.parse().unwrap());
                let (public, ops) = (address("public").unwrap(), address("ops").unwrap());
                return Places { public, secure: address("secure"), ops };
            }
        }
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "ended with {ended:?}:\n{}", std::fs::read_to_string(log).unwrap());
        assert!(
            Instant::now() < until,
            "not started after {PATIENCE:?}:\n{}",
            std::fs::read_to_string(log).unwrap()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

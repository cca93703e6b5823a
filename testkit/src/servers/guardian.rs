//! A server process that cannot outlive its owner.
//!
//! Between the owner and the server stands a small shell that reads from a pipe. The owner writes a line to stop the
//! server. When the owner dies, however it dies, the kernel closes the pipe; the shell then stops the server itself and
//! removes its folder. Owner, shell and server are in different process groups, so an interrupt at the terminal does
//! not reach the server.

use super::account::Account;
use anyhow::{Context, Result};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

/// `$1` is the folder to remove when the owner has died, `$2` the signal that stops the server, the rest its command line.
const SCRIPT: &str = r#"
home=$1; signal=$2; shift 2
exec 3<&0 </dev/null
"$@" 3<&- &
server=$!
{
    if read -r _ <&3; then
        kill -s "$signal" "$server"
    else
        kill -s "$signal" "$server"
        while kill -0 "$server"; do sleep 0.1; done
        rm -rf "$home"
    fi
} 2>/dev/null &
exec 3<&-
wait "$server"
"#;

/// A running server and the pipe that keeps it running.
#[derive(Debug)]
pub(super) struct Guarded {
    shell: Child,
    pipe: Option<ChildStdin>,
}

impl Guarded {
    /// Starts `program arguments` as `account`, with its output going to `home/server.log`. `stop` is the name of the
    /// signal that stops it in an orderly way. SIGINT is ignored in a program that does not ask for it by itself.
    pub(super) fn start(
        account: Account,
        home: &Path,
        stop: &str,
        program: &Path,
        arguments: &[String],
    ) -> Result<Self> {
        let log = std::fs::File::options().create(true).append(true).open(home.join("server.log"))?;
        let mut shell = account
            .command(Path::new("/bin/sh"))
            .args(["-c", SCRIPT, "sh"])
            .arg(home)
            .arg(stop)
            .arg(program)
            .args(arguments)
            .current_dir(home)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", program.display()))?;
        let pipe = shell.stdin.take();
        Ok(Self { shell, pipe })
    }

    /// Whether the server still runs.
    pub(super) fn is_running(&mut self) -> bool {
        matches!(self.shell.try_wait(), Ok(None))
    }

    /// Asks the server to stop.
    pub(super) fn ask_to_stop(&mut self) {
        // A broken pipe means that the shell is gone, and then so is the server.
        if let Some(Err(e)) = self.pipe.take().map(|mut pipe| pipe.write_all(b"stop\n"))
            && e.kind() != std::io::ErrorKind::BrokenPipe
        {
            eprintln!("cannot ask the server to stop: {e}");
        }
    }

    /// Waits until the server has ended; false when it still runs after `limit`.
    pub(super) fn wait(&mut self, limit: Duration) -> bool {
        until(limit, || !self.is_running())
    }
}

/// Polls `condition` until it holds; false when it does not within `limit`.
pub(super) fn until(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Sends a signal with the shell's own `kill`: there is no safe call for it in the standard library, and a bare machine
/// has no `kill` program.
pub(super) fn signal(pid: u32, name: &str) -> Result<bool> {
    let status = Command::new("/bin/sh")
        .args(["-c", &format!("kill -s {name} {pid}")])
        .stderr(Stdio::null())
        .status()
        .context("cannot run /bin/sh")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Folder;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A stand-in for a server: writes its process id, then only a signal ends it.
    fn start(home: &Path) -> (Guarded, u32) {
        let script = "echo $$ >pid.new; mv pid.new pid; exec sleep 300".to_owned();
        let guarded =
            Guarded::start(Account::Own, home, "TERM", Path::new("/bin/sh"), &["-c".to_owned(), script])
                .unwrap();
        assert!(until(LIMIT, || home.join("pid").exists()), "the server did not start");
        (guarded, std::fs::read_to_string(home.join("pid")).unwrap().trim().parse().unwrap())
    }

    #[test]
    fn a_server_stops_when_asked_and_keeps_its_files() {
        let home = Folder::new("test").unwrap();
        let (mut guarded, pid) = start(home.path());
        assert!(guarded.is_running());
        guarded.ask_to_stop();
        assert!(guarded.wait(LIMIT));
        assert!(!signal(pid, "0").unwrap(), "process {pid} still runs");
        assert!(home.path().join("pid").exists());
    }

    #[test]
    fn a_server_dies_with_its_owner_and_leaves_nothing() {
        let home = Folder::new("test").unwrap();
        let (guarded, pid) = start(home.path());
        // What the kernel does for an owner that was killed: it closes the pipe.
        drop(guarded);
        assert!(until(LIMIT, || !signal(pid, "0").unwrap()), "process {pid} outlived its owner");
        assert!(until(LIMIT, || !home.path().exists()), "{} was left behind", home.path().display());
    }
}

//! Child processes that end when xtask is told to end.
//!
//! A terminal's interrupt goes to every process in the foreground, children included: xtask only has to stay alive until
//! they have ended, so that what it started for them is stopped last. A signal that reaches xtask alone (`kill`, a CI
//! runner's timeout) is handed on.

use anyhow::{Context, Result, bail};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io::IsTerminal;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Settings for a platform under measured load, which asks more often than any client may.
pub(crate) const GENEROUS: [(&str, &str); 5] = [
    ("BOWLINE_LIMITS__PUBLIC", "1000000 per 1s by ip"),
    ("BOWLINE_LIMITS__API", "1000000 per 1s by user"),
    ("BOWLINE_LIMITS__AUTH", "1000000 per 1s by ip"),
    ("BOWLINE_LIMITS__ORDERS", "1000000 per 1s by user"),
    ("BOWLINE_LIMITS__PAYMENTS", "1000000 per 1s by user"),
];

static CHILDREN: Mutex<Vec<u32>> = Mutex::new(Vec::new());
static INTERRUPTED: AtomicBool = AtomicBool::new(false);
static HELD: AtomicUsize = AtomicUsize::new(0);

fn children() -> MutexGuard<'static, Vec<u32>> {
    CHILDREN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on a signal stops the children, and xtask after them. A second one ends xtask at once.
pub(crate) fn forward_signals() -> Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP]).context("cannot listen for signals")?;
    let terminal = std::io::stdin().is_terminal();
    std::thread::spawn(move || {
        for signal in signals.forever() {
            let again = INTERRUPTED.swap(true, Ordering::SeqCst);
            let children = children().clone();
            if again || (children.is_empty() && HELD.load(Ordering::SeqCst) == 0) {
                std::process::exit(130);
            }
            let name = if signal == SIGINT { "INT" } else { "TERM" };
            if signal != SIGINT || !terminal {
                for pid in children {
                    send(pid, name);
                }
            }
        }
    });
    Ok(())
}

/// Whether a signal asked xtask to stop.
pub(crate) fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// While it lives, a first signal does not end xtask although it has no child at the moment: whoever holds it looks at
/// [`interrupted`] and cleans up.
pub(crate) struct Hold(());

impl Hold {
    pub(crate) fn new() -> Self {
        HELD.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        HELD.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Sends a signal by name, with the shell's own `kill`. A process that has already ended is no error.
pub(crate) fn send(pid: u32, signal: &str) {
    let sent = Command::new("/bin/sh")
        .args(["-c", &format!("kill -s {signal} {pid}")])
        .stderr(Stdio::null())
        .status();
    if let Err(e) = sent {
        eprintln!("cannot run /bin/sh to signal process {pid}: {e}");
    }
}

/// A child that receives the signals which xtask gets, and that is terminated when dropped.
pub(crate) struct Supervised(Child);

impl Supervised {
    pub(crate) fn spawn(command: &mut Command) -> Result<Self> {
        let child = command.spawn().with_context(|| format!("cannot run `{}`", words(command)))?;
        children().push(child.id());
        Ok(Self(child))
    }

    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Whether the child still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(None))
    }

    /// Ends the child with SIGKILL, as a crash would, and waits until it is gone.
    pub(crate) fn kill(&mut self) -> Result<()> {
        self.0.kill().context("cannot kill a child")?;
        self.wait().map(|_| ())
    }

    /// Asks the child to stop and waits; true when it ended with success.
    pub(crate) fn stop(mut self) -> Result<bool> {
        send(self.0.id(), "TERM");
        self.wait()
    }

    /// Waits for the end; true when the child succeeded.
    pub(crate) fn wait(&mut self) -> Result<bool> {
        let status = self.0.wait()?;
        children().retain(|pid| *pid != self.0.id());
        Ok(status.success() && !interrupted())
    }
}

impl Drop for Supervised {
    fn drop(&mut self) {
        if self.is_running() {
            send(self.0.id(), "TERM");
        }
        if let Err(e) = self.wait() {
            eprintln!("cannot wait for process {}: {e}", self.0.id());
        }
    }
}

/// Runs a command to its end with its output shown.
///
/// # Errors
/// It could not be started, failed, or xtask was interrupted.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    if !Supervised::spawn(command)?.wait()? {
        bail!("`{}` failed", words(command));
    }
    Ok(())
}

/// What a command prints, or nothing when it cannot be run or fails.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A cargo subcommand, with the cargo that runs xtask.
pub(crate) fn cargo<I: IntoIterator<Item: AsRef<std::ffi::OsStr>>>(arguments: I) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments);
    command
}

/// A command as one would type it.
pub(crate) fn words(command: &Command) -> String {
    let program = command.get_program().to_string_lossy();
    let program = if program.ends_with("/cargo") { "cargo".into() } else { program };
    let arguments = command.get_args().map(|a| a.to_string_lossy());
    std::iter::once(program)
        .chain(arguments)
        .map(|word| if word.contains([' ', '(', '\'']) { format!("{word:?}") } else { word.into_owned() })
        .collect::<Vec<_>>()
        .join(" ")
}

//! The copies of the platform that are put to the proof: processes with ports and data of their own.

use crate::client::Client;
use anyhow::{Context as _, Result, bail};
use http::Method;
use std::fs::File;
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

/// A debug build on a busy machine needs a while.
const READY_WITHIN: Duration = Duration::from_secs(90);
/// How often is looked whether what is waited for is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// Lines of a log that are shown.
const LAST_LINES: usize = 20;

/// The ports from which those of the processes are chosen.
const PORTS: Range<u16> = 10_000..30_000;
/// How many are tried before there is none.
const TRIES: usize = 1_000;

/// A setting and its value.
pub(crate) type Setting = (String, String);

/// One process: a target, its ports and its data, and the process itself while it runs.
pub(crate) struct Member {
    /// `orders-2`.
    pub(crate) name: String,
    target: &'static str,
    port: u16,
    ops: u16,
    home: PathBuf,
    child: Option<Child>,
}

/// All processes of a run. They end with it.
pub(crate) struct Stage {
    binary: PathBuf,
    settings: Vec<Setting>,
    pub(crate) members: Vec<Member>,
}

impl Stage {
    /// Starts a process for each of these targets, with data below `home`, and waits until all are ready.
    pub(crate) async fn set(home: &Path, targets: &[&'static str], settings: Vec<Setting>) -> Result<Self> {
        let binary = std::env::current_exe().context("cannot find this program itself")?;
        // Held until all are found: no two of them are the same.
        let (mut members, mut held): (Vec<Member>, Vec<TcpListener>) = (Vec::new(), Vec::new());
        for target in targets {
            let number = 1 + members.iter().filter(|member| member.target == *target).count();
            let name = format!("{target}-{number}");
            let home = home.join(&name);
            std::fs::create_dir_all(&home)?;
            let places = [held_port()?, held_port()?];
            let [port, ops] = [places[0].local_addr()?.port(), places[1].local_addr()?.port()];
            held.extend(places);
            members.push(Member { name, target, port, ops, home, child: None });
        }
        drop(held);
        let mut stage = Self { binary, settings, members };
        stage.introduce();
        for place in 0..stage.members.len() {
            stage.launch(place)?;
        }
        stage.wait_until_ready().await?;
        Ok(stage)
    }

    /// Tells all of them where each service is.
    fn introduce(&mut self) {
        let mut targets: Vec<_> = self.members.iter().map(|member| member.target).collect();
        targets.dedup();
        for target in targets.into_iter().filter(|target| *target != "all" && *target != "gateway") {
            let of = self.members.iter().filter(|member| member.target == target);
            let urls: Vec<_> = of.map(|member| format!("http://127.0.0.1:{}", member.port)).collect();
            self.settings.push((format!("BOWLINE_PEERS__{}", target.to_uppercase()), urls.join(",")));
        }
    }

    /// A client of the door.
    pub(crate) fn door(&self) -> Client {
        let door = self.members.iter().find(|member| ["all", "gateway"].contains(&member.target));
        Client::new(format!("http://127.0.0.1:{}", door.map_or(0, |door| door.port)))
    }

    /// Clients of the operations listeners.
    pub(crate) fn operations(&self) -> Vec<Client> {
        self.members.iter().map(|member| Client::new(format!("http://127.0.0.1:{}", member.ops))).collect()
    }

    fn launch(&mut self, place: usize) -> Result<()> {
        let member = &mut self.members[place];
        let log = File::options().create(true).append(true).open(member.log())?;
        let mut command = Command::new(&self.binary);
        command
            .args(["run", "--target", member.target])
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("PORT", member.port.to_string())
            .env("OPS_PORT", member.ops.to_string())
            .env("DATA_DIR", member.home.join("data"))
            .current_dir(&member.home)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let child = command.spawn().with_context(|| format!("cannot start {}", member.name))?;
        member.child = Some(child);
        Ok(())
    }

    /// Ends a process with SIGKILL, and starts it again at once.
    pub(crate) async fn kill_and_restart(&mut self, place: usize) -> Result<()> {
        if let Some(mut child) = self.members[place].child.take() {
            child.kill().await.with_context(|| format!("cannot kill {}", self.members[place].name))?;
        }
        self.launch(place)
    }

    /// Looks whether a process has ended by itself. One that lost its port to somebody else while it was down is started
    /// again; any other end is a fault.
    pub(crate) fn look(&mut self) -> Result<()> {
        for place in 0..self.members.len() {
            let member = &mut self.members[place];
            let runs = member.child.as_mut().is_some_and(|child| matches!(child.try_wait(), Ok(None)));
            if runs {
                continue;
            }
            let last = member.last_lines();
            if !last.contains("cannot listen on") && !last.contains("cannot use 127.0.0.1") {
                bail!("{} ended by itself; the last lines of its log:\n{last}", member.name);
            }
            self.launch(place)?;
        }
        Ok(())
    }

    /// Waits until every process takes work.
    pub(crate) async fn wait_until_ready(&mut self) -> Result<()> {
        let until = Instant::now() + READY_WITHIN;
        for place in 0..self.members.len() {
            let ops = Client::new(format!("http://127.0.0.1:{}", self.members[place].ops));
            loop {
                self.look()?;
                match ops.ask(Method::GET, "/ready", None, None).await {
                    Ok(answer) if answer.status.is_success() => break,
                    Ok(answer) if Instant::now() > until => {
                        bail!("{} is not ready: {}", self.members[place].name, answer.body)
                    }
                    Err(error) if Instant::now() > until => {
                        return Err(error.context(format!("{} is not ready", self.members[place].name)));
                    }
                    Ok(_) | Err(_) => sleep(LOOK_EVERY).await,
                }
            }
        }
        Ok(())
    }

    /// Runs a command of this program on the data of one of the targets, with a text on its standard input.
    pub(crate) async fn command(&self, target: &str, arguments: &[&str], input: &str) -> Result<String> {
        use tokio::io::AsyncWriteExt as _;
        let holds = |member: &&Member| member.target == target || member.target == "all";
        let member = self.members.iter().find(holds).with_context(|| format!("no process runs {target}"))?;
        let mut command = Command::new(&self.binary);
        command
            .args(arguments)
            .env_clear()
            .envs(self.settings.iter().map(|(name, value)| (name, value)))
            .env("DATA_DIR", member.home.join("data"))
            .current_dir(&member.home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        let mut child = command.spawn()?;
        if let Some(mut stdin) = child.stdin.take() {
            stdin.write_all(input.as_bytes()).await?;
        }
        let output = child.wait_with_output().await?;
        if !output.status.success() {
            bail!("bowline {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Asks every process to stop, and waits for its end.
    pub(crate) async fn strike(mut self) -> Result<()> {
        for member in &mut self.members {
            let Some(child) = &mut member.child else { continue };
            if let Some(id) = child.id() {
                Command::new("/bin/sh").args(["-c", &format!("kill -s TERM {id}")]).status().await?;
            }
        }
        for member in &mut self.members {
            let Some(child) = &mut member.child else { continue };
            let status = child.wait().await?;
            if !status.success() {
                bail!(
                    "{} stopped with {status}; the last lines of its log:\n{}",
                    member.name,
                    member.last_lines()
                );
            }
        }
        Ok(())
    }
}

impl Member {
    fn log(&self) -> PathBuf {
        self.home.join("log")
    }

    fn last_lines(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        lines[lines.len().saturating_sub(LAST_LINES)..].join("\n")
    }
}

/// A port that nobody has, held until it is let go. It is below those that the system gives to connections and to
/// whoever asks for any, so nothing takes it by chance while a process that was killed is down.
fn held_port() -> Result<TcpListener> {
    let free = || TcpListener::bind(("127.0.0.1", rand::random_range(PORTS)));
    (0..TRIES).find_map(|_| free().ok()).context("no free port was found on 127.0.0.1")
}

/// The value of a gauge or counter over all its labels, in a page of metrics.
pub(crate) fn metric(page: &str, name: &str, with: &str) -> f64 {
    let of = |line: &&str| line.starts_with(name) && line.contains(with);
    page.lines().filter(of).filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_of_the_ports_for_processes_are_the_same() {
        let held: Vec<_> = (0..500).map(|_| held_port().unwrap()).collect();
        let ports: HashSet<_> = held.iter().map(|held| held.local_addr().unwrap().port()).collect();
        assert_eq!(ports.len(), held.len());
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }
}

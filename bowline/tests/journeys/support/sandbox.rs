//! A running platform: one process, or one a service, over one folder or one PostgreSQL server.

use super::process::{Process, Starting, bowline};
use super::{PASSWORD, Person};
use std::collections::BTreeMap;
use testkit::servers::free_port;
use testkit::{Client, Folder};
use uuid::Uuid;

/// Times that are short enough for a test to see what comes after them.
const QUICK: [(&str, &str); 2] =
    [("BOWLINE_AUTH__KEY_ACTIVATION_SECS", "2"), ("BOWLINE_AUTH__REFRESH_GRACE_SECS", "2")];

/// The door.
const GATEWAY: &str = "gateway";
const AUTH: &str = "auth";

/// How the platform is cut into processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Everything in one process.
    All,
    /// One process a service.
    Split,
}

/// Which services a journey needs; those that it does not need get no process of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cast {
    /// The door and accounts.
    People,
    /// Everybody.
    Everyone,
}

/// A running platform.
pub(crate) struct Sandbox {
    /// The process with the door.
    pub(crate) door: Process,
    /// The processes of the other services, when they have their own.
    others: BTreeMap<String, Process>,
    ground: Ground,
}

/// What the processes of a platform have in common.
struct Ground {
    /// Where their data is.
    _folder: Folder,
    settings: Vec<(String, String)>,
    /// Where the services listen that have a process of their own.
    ports: BTreeMap<String, u16>,
}

impl Sandbox {
    /// The door and accounts, on SQLite.
    pub(crate) fn start(shape: Shape) -> Self {
        Self::start_with(shape, &[])
    }

    /// With more settings, for every process.
    pub(crate) fn start_with(shape: Shape, more: &[(&str, &str)]) -> Self {
        Self::cast(shape, Cast::People, more)
    }

    /// With the services that a journey needs.
    pub(crate) fn cast(shape: Shape, cast: Cast, more: &[(&str, &str)]) -> Self {
        let names = match (shape, cast) {
            (Shape::All, _) => Vec::new(),
            (Shape::Split, Cast::People) => vec![AUTH.to_owned(), GATEWAY.to_owned()],
            (Shape::Split, Cast::Everyone) => services(),
        };
        // Everybody knows where everybody is before anybody has started.
        let ports = names.into_iter().map(|name| (name, free_port().unwrap())).collect();
        let ground = Ground::new(ports, more);
        let starting: Vec<(String, Starting)> = match shape {
            Shape::All => vec![(GATEWAY.to_owned(), ground.launch("all", 0))],
            Shape::Split => {
                ground.ports.iter().map(|(name, port)| (name.clone(), ground.launch(name, *port))).collect()
            }
        };
        let mut others: BTreeMap<String, Process> =
            starting.into_iter().map(|(name, starting)| (name, starting.ready())).collect();
        let door = others.remove(GATEWAY).unwrap();
        Self { door, others, ground }
    }

    /// A client of the door.
    pub(crate) fn client(&self) -> Client {
        Client::http(self.door.url())
    }

    /// Every process.
    pub(crate) fn processes(&self) -> impl Iterator<Item = &Process> {
        self.others.values().chain([&self.door])
    }

    /// The process that runs a service.
    pub(crate) fn process(&self, service: &str) -> &Process {
        self.others.get(service).unwrap_or(&self.door)
    }

    /// The process that runs the auth service.
    pub(crate) fn auth(&self) -> &Process {
        self.process(AUTH)
    }

    /// Kills the process of a service with SIGKILL.
    pub(crate) fn kill(&mut self, service: &str) {
        self.others.get_mut(service).unwrap_or(&mut self.door).kill();
    }

    /// Starts the process of a service again, which was killed, on the same port and data.
    pub(crate) fn restart(&mut self, service: &str) {
        let port = self.process(service).port();
        let target = if self.ground.ports.is_empty() { "all" } else { service };
        let started = self.ground.launch(target, port).ready();
        *self.others.get_mut(service).unwrap_or(&mut self.door) = started;
    }

    /// One more process of a service, on a port of its own, which nobody is told of.
    pub(crate) fn another(&self, service: &str) -> Process {
        self.ground.launch(service, 0).ready()
    }

    /// Kills the process of the auth service with SIGKILL.
    pub(crate) fn kill_auth(&mut self) {
        self.kill(AUTH);
    }

    /// Kills the process of the auth service with SIGKILL, and starts it again on the same port and folder.
    pub(crate) fn kill_and_restart_auth(&mut self) {
        self.kill_auth();
        self.restart(AUTH);
    }

    /// Runs a command of the binary on the data of the platform, with text on its standard input.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> String {
        let output = bowline(arguments, &self.ground.settings(), input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// An administrator, who is logged in.
    pub(crate) async fn administrator(&self) -> Person {
        self.command(&["admin", "create", "--email", "root@example.org"], PASSWORD);
        Person::log_in(&self.client(), "root@example.org", PASSWORD).await
    }

    /// The text of the newest mail to an address.
    pub(crate) fn mail_to(&self, address: &str) -> String {
        let list = self.command(&["mail", "list"], "");
        let line = list.lines().find(|line| line.contains(address));
        let line = line.unwrap_or_else(|| panic!("no mail to {address} in:\n{list}"));
        self.command(&["mail", "show", line.split_whitespace().next().unwrap()], "")
    }

    /// Everything that the processes have logged.
    pub(crate) fn logs(&self) -> String {
        self.processes().map(Process::log).collect::<Vec<_>>().join("\n")
    }
}

impl Ground {
    fn new(ports: BTreeMap<String, u16>, more: &[(&str, &str)]) -> Self {
        let folder = Folder::new("journey").unwrap();
        let service_key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let own = [("BOWLINE_IDENTITY__SERVICE_KEY", service_key.as_str())];
        let given = [&own[..], &QUICK, more].concat();
        let mut settings: Vec<_> =
            given.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        settings.push(("DATA_DIR".to_owned(), folder.path().join("data").display().to_string()));
        Self { _folder: folder, settings, ports }
    }

    fn settings(&self) -> Vec<(&str, &str)> {
        self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Starts a process on a port; 0 is any.
    fn launch(&self, target: &str, port: u16) -> Starting {
        let mut settings = self.settings.clone();
        settings.push(("BOWLINE_TARGET".to_owned(), target.to_owned()));
        settings.push(("PORT".to_owned(), port.to_string()));
        for (name, port) in self.ports.iter().filter(|(name, _)| *name != target && *name != GATEWAY) {
            let variable = format!("BOWLINE_PEERS__{}", name.to_uppercase());
            settings.push((variable, format!("http://127.0.0.1:{port}")));
        }
        let settings: Vec<_> = settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        Process::launch(&settings)
    }
}

/// Every service that there is.
fn services() -> Vec<String> {
    let output = bowline(&["targets"], &[], "");
    let names = String::from_utf8(output.stdout).unwrap();
    let names = names.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "all").map(str::to_owned).collect()
}

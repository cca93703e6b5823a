//! The platform as it is run: real processes, real sockets, a folder of its own.

mod process;

pub(crate) use process::{Process, bowline};

use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use testkit::{Client, Folder};
use uuid::Uuid;

/// A password that nobody guesses.
pub(crate) const PASSWORD: &str = "correct-battery-7-staple";

/// Times that are short enough for a test to see what comes after them.
const QUICK: [(&str, &str); 2] =
    [("BOWLINE_AUTH__KEY_ACTIVATION_SECS", "2"), ("BOWLINE_AUTH__REFRESH_GRACE_SECS", "2")];

/// How the platform is cut into processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Everything in one process.
    All,
    /// One process a service.
    Split,
}

/// A running platform.
pub(crate) struct Sandbox {
    pub(crate) shape: Shape,
    /// The process with the door.
    pub(crate) door: Process,
    /// The process with the auth service, when it is another one.
    auth: Option<Process>,
    folder: Folder,
    service_key: String,
}

impl Sandbox {
    pub(crate) fn start(shape: Shape) -> Self {
        Self::start_with(shape, &[])
    }

    /// With more settings, for every process.
    pub(crate) fn start_with(shape: Shape, more: &[(&str, &str)]) -> Self {
        let folder = Folder::new("journey").unwrap();
        let service_key = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        match shape {
            Shape::All => {
                let door = Self::auth_process(&folder, &service_key, "all", 0, more);
                Self { shape, door, auth: None, folder, service_key }
            }
            Shape::Split => {
                let auth = Self::auth_process(&folder, &service_key, "auth", 0, more);
                let (data, url) = (folder.path().join("gateway"), auth.url());
                let own = [
                    ("BOWLINE_TARGET", "gateway"),
                    ("DATA_DIR", data.to_str().unwrap()),
                    ("BOWLINE_PEERS__AUTH", &url),
                    ("BOWLINE_IDENTITY__SERVICE_KEY", &service_key),
                ];
                let door = Process::start(&[&own, more].concat());
                Self { shape, door, auth: Some(auth), folder, service_key }
            }
        }
    }

    fn auth_process(folder: &Folder, key: &str, target: &str, port: u16, more: &[(&str, &str)]) -> Process {
        let (data, port) = (folder.path().join("auth"), port.to_string());
        let own = [
            ("BOWLINE_TARGET", target),
            ("PORT", &port),
            ("DATA_DIR", data.to_str().unwrap()),
            ("BOWLINE_IDENTITY__SERVICE_KEY", key),
        ];
        Process::start(&[&own[..], &QUICK, more].concat())
    }

    /// A client of the door.
    pub(crate) fn client(&self) -> Client {
        Client::http(self.door.url())
    }

    /// The process that runs the auth service.
    pub(crate) fn auth(&self) -> &Process {
        self.auth.as_ref().unwrap_or(&self.door)
    }

    /// Kills the process of the auth service with SIGKILL.
    pub(crate) fn kill_auth(&mut self) {
        self.auth.as_mut().unwrap_or(&mut self.door).kill();
    }

    /// Kills the process of the auth service with SIGKILL, and starts it again on the same port and folder.
    pub(crate) fn kill_and_restart_auth(&mut self) {
        let target = if self.shape == Shape::All { "all" } else { "auth" };
        let port = self.auth().port();
        self.kill_auth();
        let again = Self::auth_process(&self.folder, &self.service_key, target, port, &[]);
        match self.shape {
            Shape::All => self.door = again,
            Shape::Split => self.auth = Some(again),
        }
    }

    /// Runs a command of the binary on the data of the auth service, with text on its standard input.
    pub(crate) fn command(&self, arguments: &[&str], input: &str) -> String {
        let data = self.folder.path().join("auth");
        let settings = [
            ("DATA_DIR", data.to_str().unwrap()),
            ("BOWLINE_IDENTITY__SERVICE_KEY", self.service_key.as_str()),
        ];
        let output = bowline(arguments, &[&settings[..], &QUICK].concat(), input);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
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
        let auth = self.auth.as_ref().map(Process::log).unwrap_or_default();
        format!("{}\n{auth}", self.door.log())
    }
}

/// Somebody with an account who is logged in.
pub(crate) struct Person {
    pub(crate) email: String,
    pub(crate) id: String,
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) client: Client,
}

impl Person {
    pub(crate) async fn register(client: &Client) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let email = format!("person{}@example.org", COUNT.fetch_add(1, Ordering::Relaxed));
        let body = json!({"email": email, "password": PASSWORD});
        let answer = client.post("/api/v1/auth/register", body).await.expect(201);
        Self::of(client, email, &answer.data())
    }

    pub(crate) async fn log_in(client: &Client, email: &str, password: &str) -> Self {
        let body = json!({"email": email, "password": password});
        let answer = client.post("/api/v1/auth/login", body).await.expect(200);
        Self::of(client, email.to_owned(), &answer.data())
    }

    fn of(client: &Client, email: String, grant: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let access = text(&grant["accessToken"]);
        Self {
            email,
            id: text(&grant["user"]["id"]),
            refresh: text(&grant["refreshToken"]),
            client: client.bearer(&access),
            access,
        }
    }
}

/// The one-time token of the link in a mail.
pub(crate) fn token_in(mail: &str) -> String {
    let (_, rest) = mail.split_once("token=").unwrap_or_else(|| panic!("no token in:\n{mail}"));
    rest.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_')).next().unwrap().to_owned()
}

/// Makes two tests of an `async fn(Sandbox)`: all in one process, and one process a service.
macro_rules! in_both_shapes {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            use $crate::support::{Sandbox, Shape};

            #[tokio::test]
            async fn in_one_process() {
                super::$name(Sandbox::start(Shape::All)).await;
            }

            #[tokio::test]
            async fn as_separate_processes() {
                super::$name(Sandbox::start(Shape::Split)).await;
            }
        }
    )+};
}
pub(crate) use in_both_shapes;

//! A service, alone or with others, built as the run loop builds it and called without a socket.

use crate::client::Client;
use crate::fake_auth::Issuer;
use crate::listening::Listening;
use crate::{Databases, Folder};
use chassis::clock::{Clock, Ts};
use chassis::config::Sources;
use chassis::db::Db;
use chassis::http::tls::Tls;
use chassis::run::{Assembled, Platform, Targets};
use chassis::service::{Registration, Service};
use chassis::stop::{self, Stopper};
use std::path::Path;
use std::sync::Arc;

/// The database that a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// A file in a folder of the test's own.
    Sqlite,
    /// A database of the test's own on the server of the test run.
    Postgres,
}

/// A service under test. Its data is gone when it is dropped.
#[derive(Debug)]
pub struct TestService {
    assembled: Assembled,
    clock: Clock,
    folder: Folder,
    _stopper: Stopper,
    _databases: Option<Databases>,
}

/// Tests ask more often than any client may; those about limits set their own.
const GENEROUS: [(&str, &str); 5] = [
    ("BOWLINE_LIMITS__PUBLIC", "1000000 per 1m by ip"),
    ("BOWLINE_LIMITS__API", "1000000 per 1m by user"),
    ("BOWLINE_LIMITS__AUTH", "1000000 per 1m by ip"),
    ("BOWLINE_LIMITS__ORDERS", "1000000 per 1m by user"),
    ("BOWLINE_LIMITS__PAYMENTS", "1000000 per 1m by user"),
];

/// In the folder of a service under test.
const SETTINGS_FILE: &str = "bowline.toml";

/// How a service under test is set up.
#[derive(Debug)]
pub struct Setup {
    services: Vec<Registration>,
    targets: String,
    settings: Vec<(String, String)>,
    /// What stands in its settings file.
    file: String,
}

impl Setup {
    /// One service.
    #[must_use]
    pub fn of<S: Service>() -> Self {
        let services = vec![Registration::of::<S>()];
        let settings = GENEROUS.map(|(variable, value)| (variable.to_owned(), value.to_owned())).to_vec();
        Self { services, targets: "all".to_owned(), settings, file: String::new() }
    }

    /// Adds a service that runs too.
    #[must_use]
    pub fn and<S: Service>(mut self) -> Self {
        self.services.push(Registration::of::<S>());
        self
    }

    /// Runs only these of the services.
    #[must_use]
    pub fn targets(mut self, targets: &str) -> Self {
        targets.clone_into(&mut self.targets);
        self
    }

    /// Sets an environment variable, such as `BOWLINE_AUTH__MAX_SESSIONS`.
    #[must_use]
    pub fn set(mut self, variable: &str, value: impl Into<String>) -> Self {
        self.settings.push((variable.to_owned(), value.into()));
        self
    }

    /// What stands in its settings file; see [`TestService::rewrite`].
    #[must_use]
    pub fn file(mut self, toml: &str) -> Self {
        toml.clone_into(&mut self.file);
        self
    }

    /// Who signs the tokens that [`crate::FakeAuth`] vouches for.
    #[must_use]
    pub fn issuer(self, issuer: &Issuer) -> Self {
        self.set("BOWLINE_AUTH__ISSUER", issuer.name())
    }

    /// Where a service is that runs elsewhere.
    #[must_use]
    pub fn peer(self, name: &str, url: impl Into<String>) -> Self {
        self.set(&format!("BOWLINE_PEERS__{}", name.to_uppercase()), url)
    }

    /// Builds services that need no database.
    ///
    /// # Panics
    /// When they cannot be built.
    pub async fn build(self) -> TestService {
        self.start(Engine::Sqlite).await.expect("SQLite is always there")
    }

    /// Builds it on an engine; `None` when the engine is not there and may be skipped.
    ///
    /// # Panics
    /// When it cannot be built.
    pub async fn start(mut self, engine: Engine) -> Option<TestService> {
        let folder = Folder::new("service").expect("a folder");
        let databases = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Databases::on_postgres()?),
        };
        self.settings.extend(databases.iter().map(|own| ("DATABASE_URL".to_owned(), own.url())));
        self.settings.push(("DATA_DIR".to_owned(), folder.path().join("data").display().to_string()));
        let file = folder.path().join(SETTINGS_FILE);
        std::fs::write(&file, &self.file).expect("a settings file");
        let sources = Sources::from_file(&file, self.settings).unwrap_or_else(|errors| panic!("{errors}"));
        let platform = Platform::load(&self.services, sources);
        let platform = platform.unwrap_or_else(|errors| panic!("{errors}"));
        let targets = Targets::parse(&self.targets, &self.services).expect("targets");
        // A token's times have whole seconds, so the clock starts on one.
        let clock = Clock::manual(Ts::from_secs(Clock::system().now().secs()));
        let (stopper, stop) = stop::channel();
        let assembled = Assembled::of(platform, &targets, None, clock.clone(), stop).await;
        let assembled = assembled.unwrap_or_else(|error| panic!("{error:#}"));
        Some(TestService { assembled, clock, folder, _stopper: stopper, _databases: databases })
    }
}

impl TestService {
    /// A client of it, nobody at first.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::in_process(self.assembled.front())
    }

    /// Listens on a free port of 127.0.0.1, as the process would.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn listen(&self) -> Listening {
        Listening::start(&self.assembled, None)
    }

    /// Listens with TLS: on the one port, or beside it on another.
    ///
    /// # Panics
    /// When it cannot.
    #[must_use]
    pub fn listen_with(&self, tls: &Arc<Tls>) -> Listening {
        Listening::start(&self.assembled, Some(tls))
    }

    /// Its clock, which only the test moves.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The database of a service.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn db(&self, service: &str) -> &Db {
        self.assembled.database(service).unwrap_or_else(|| panic!("{service} has no database"))
    }

    /// What was built.
    #[must_use]
    pub fn assembled(&self) -> &Assembled {
        &self.assembled
    }

    /// Writes its settings file anew, as a person does while it runs.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn rewrite(&self, toml: &str) {
        std::fs::write(self.folder.path().join(SETTINGS_FILE), toml).expect("a settings file");
    }

    /// Its folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}

/// Makes two tests of an `async fn(Engine)`: one on SQLite, one on PostgreSQL.
#[macro_export]
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test]
            async fn on_sqlite() {
                super::$name($crate::Engine::Sqlite).await;
            }

            #[tokio::test]
            async fn on_postgres() {
                super::$name($crate::Engine::Postgres).await;
            }
        }
    )+};
}

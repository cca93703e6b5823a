//! All settings of a process, read and validated together.

use super::Targets;
use crate::bus::BusConfig;
use crate::cache::CacheConfig;
use crate::config::{
    ConfigErrors, Loaded, Loader, Mode, Origin, Problems, SectionDoc, Sources, Validate, settings,
};
use crate::db::DatabaseConfig;
use crate::durability::{Board, DurabilityConfig};
use crate::events::EventsConfig;
use crate::flags::{Flag, Flags};
use crate::http::HttpConfig;
use crate::http::tls::TlsConfig;
use crate::idempotency::IdempotencyConfig;
use crate::identity::IdentityConfig;
use crate::invariant::Books;
use crate::jobs::{self, JobsConfig};
use crate::limits::LimitsConfig;
use crate::mail::MailConfig;
use crate::ops::OpsConfig;
use crate::peer::{self, CallsConfig, DiscoveryConfig};
use crate::saga::SagaConfig;
use crate::service::{AnyConfig, Registration, Service};
use crate::state::{RedisConfig, StateConfig};
use crate::telemetry::TelemetryConfig;
use crate::vault::{Vault, VaultConfig};
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

settings! {
    /// The process as a whole.
    pub struct ProcessConfig {
        /// Development is forgiving; production refuses missing, default and short secrets and less than full durability.
        mode: Mode = Mode::Development;
        /// Folder for embedded databases and, in development, for secrets that were made up.
        data_dir: PathBuf = PathBuf::from("./data"), env "DATA_DIR";
        /// Seconds between turning unready and refusing new connections at stop, for load balancers to notice.
        drain_secs: u64 = 0;
        /// Seconds that the whole stop may take; what still runs then is cut off.
        stop_timeout_secs: u64 = 30;
        /// Seconds between looks at what may change while the process runs: flags in the settings file, the service key, and certificates.
        reload_secs: u64 = 5;
    }
}

impl Validate for ProcessConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("stop_timeout_secs", self.stop_timeout_secs, 1..=3_600);
        problems.range("reload_secs", self.reload_secs, 1..=3_600);
        if self.drain_secs >= self.stop_timeout_secs {
            problems.add("drain_secs", "must be less than stop_timeout_secs");
        }
    }
}

/// All settings of a process.
#[derive(Debug)]
pub struct Platform {
    /// The process as a whole.
    pub process: ProcessConfig,
    /// The public listener.
    pub http: HttpConfig,
    /// Its certificates.
    pub tls: TlsConfig,
    /// The operations listener.
    pub ops: OpsConfig,
    /// Logs and traces.
    pub telemetry: TelemetryConfig,
    /// Databases.
    pub database: DatabaseConfig,
    /// The bus.
    pub bus: BusConfig,
    /// Events.
    pub events: EventsConfig,
    /// What must survive what.
    pub durability: DurabilityConfig,
    /// Redis.
    pub redis: RedisConfig,
    /// State that is kept in the process.
    pub state: StateConfig,
    /// Rate limits.
    pub limits: LimitsConfig,
    /// Copies of what is read often.
    pub cache: CacheConfig,
    /// Sagas.
    pub saga: SagaConfig,
    /// Jobs.
    pub jobs: JobsConfig,
    /// Requests that carry an `Idempotency-Key`.
    pub idempotency: IdempotencyConfig,
    /// Outgoing mail.
    pub mail: MailConfig,
    /// Tokens and credentials.
    pub identity: IdentityConfig,
    /// Where services are that run elsewhere.
    pub peers: BTreeMap<String, String>,
    /// How they are found.
    pub discovery: DiscoveryConfig,
    /// How they are called.
    pub calls: CallsConfig,
    /// Flags.
    pub flags: Flags,
    /// Where each value came from.
    pub loaded: Loaded,
    /// What each section holds, for the reference.
    pub sections: Vec<SectionDoc>,
    pub(crate) services: Vec<(Registration, AnyConfig)>,
    /// From where the settings can be read again.
    pub(crate) origin: Origin,
    /// Where it is told what really survives what.
    pub(crate) board: Board,
    /// Where it is told how the peers are.
    pub(crate) seen: peer::Board,
    /// Where it is told how jobs stand.
    pub(crate) jobs_board: jobs::Board,
    pub(crate) books: Books,
}

impl Platform {
    /// The settings of a service, if it is in the list.
    #[must_use]
    pub fn config_of<S: Service>(&self) -> Option<&S::Config> {
        self.services.iter().find_map(|(_, config)| config.downcast_ref())
    }

    /// What the databases of the targets are; `None` when none of them has one.
    pub(super) fn database_engine(&self, targets: &Targets) -> Option<String> {
        let here =
            |service: &Registration| targets.contains(service.spec.name) && service.spec.database.is_some();
        let in_file = self.database.url.as_ref().is_none_or(|url| url.expose_secret().starts_with("sqlite:"));
        let engine = if in_file { "sqlite" } else { "postgresql" };
        self.services.iter().any(|(service, _)| here(service)).then(|| engine.to_owned())
    }

    /// Reads and validates the settings of every service that exists, so that a misspelt one is found wherever it is.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn load(services: &[Registration], sources: Sources) -> Result<Self, ConfigErrors> {
        let origin = sources.origin();
        let (mut loader, process) = Loader::with_root(sources, |process: &ProcessConfig| process.mode);
        let vault: VaultConfig = loader.section("vault");
        loader.resolve_with(Arc::new(Vault::new(&vault, process.mode)));
        let http = loader.section("http");
        let tls = loader.section("tls");
        let ops = loader.section("ops");
        let telemetry = loader.section("telemetry");
        let database = loader.section("database");
        let bus = loader.section("bus");
        let events = loader.section("delivery");
        let durability = loader.section("durability");
        let redis = loader.section("redis");
        let state = loader.section("state");
        let limits = loader.section("limits");
        let cache = loader.section("cache");
        let saga = loader.section("saga");
        let jobs = loader.section("jobs");
        let idempotency = loader.section("idempotency");
        let mail = loader.section("mail");
        let identity = loader.section("identity");
        let behind = services.iter().map(|service| service.spec).filter(|spec| !spec.door);
        let names: Vec<&str> = behind.map(|spec| spec.name).collect();
        let about = "Where a service is that runs in other processes: URLs of its instances with commas between, \
                     dns+http://host:port for every address of a host, or consul+http://host:8500/service?tag=x. A target \
                     of this process needs none.";
        let peers = loader.map("peers", about, &names);
        let discovery = loader.section("discovery");
        let calls = loader.section("calls");
        let declared: Vec<Flag> = services.iter().flat_map(|service| service.flags).copied().collect();
        let flags = Flags::load(&declared, &mut loader);
        let services = services
            .iter()
            .map(|service| (*service, (service.load)(&mut loader, service.spec.name)))
            .collect();
        let sections = loader.sections().to_vec();
        let loaded = loader.finish()?;
        Ok(Self {
            process,
            http,
            tls,
            ops,
            telemetry,
            database,
            bus,
            events,
            durability,
            redis,
            state,
            limits,
            cache,
            saga,
            jobs,
            idempotency,
            mail,
            identity,
            peers,
            discovery,
            calls,
            loaded,
            sections,
            services,
            flags,
            origin,
            board: Board::default(),
            seen: peer::Board::default(),
            jobs_board: jobs::Board::default(),
            books: Books::default(),
        })
    }
}

//! What is there before any service is built: databases, keys, the way to peers. Commands that work on a service's data
//! without serving stand on it too.

use super::reload::Reload;
use super::{Platform, ProcessConfig, Targets, secret};
use crate::bus::Bus;
use crate::cache::{CacheConfig, Caches};
use crate::clock::Clock;
use crate::db::{CHASSIS_MIGRATIONS, DatabaseConfig, Db};
use crate::events::Outbox;
use crate::http::Shedder;
use crate::idempotency::{Idempotency, IdempotencyConfig};
use crate::identity::{ServiceKeys, Verifier};
use crate::jobs::{self, Jobs, JobsConfig};
use crate::limits::Limits;
use crate::mail::{MailConfig, Mailer};
use crate::peer::Directory;
use crate::saga::{SagaConfig, Sagas};
use crate::service::{AnyConfig, Context, Registration, Spec};
use crate::state::{Listener, State};
use crate::stop::Stop;
use crate::wake::{Carrier, Wakes};
use anyhow::Context as _;
use futures_util::future::try_join_all;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A service that will be built, with its settings.
pub(super) type Target = (Registration, AnyConfig);

pub(super) struct Foundation {
    pub(super) process: ProcessConfig,
    pub(super) databases: BTreeMap<&'static str, Db>,
    pub(super) shared: Context,
    pub(super) carrier: Option<Carrier>,
    pub(super) listener: Option<Listener>,
    cache: CacheConfig,
    pub(super) reload: Reload,
    mail: MailConfig,
    saga: SagaConfig,
    jobs: JobsConfig,
    jobs_board: jobs::Board,
    idempotency: IdempotencyConfig,
}

impl Foundation {
    /// Opens and migrates the databases of the targets and makes what all contexts share.
    pub(super) async fn lay(
        platform: Platform,
        all: &[&'static Spec],
        targets: &[Target],
        listening: Option<std::net::SocketAddr>,
        clock: Clock,
        stop: Stop,
    ) -> anyhow::Result<Self> {
        let Platform {
            process,
            http,
            tls,
            database,
            bus,
            events,
            redis,
            state,
            limits,
            cache,
            mail,
            saga,
            idempotency,
            identity,
            peers,
            discovery,
            calls,
            seen,
            jobs,
            jobs_board,
            flags,
            origin,
            ..
        } = platform;
        let databases = open_databases(targets, &database, &process.data_dir).await?;
        anyhow::ensure!(
            events.max_bytes as usize <= bus.max_record_bytes,
            "delivery.max_bytes is more than bus.max_record_bytes: an event that may be published must fit on the bus"
        );
        anyhow::ensure!(
            events.keep_days > bus.keep_days,
            "delivery.keep_days must be more than bus.keep_days: what the bus can deliver again must be known as handled"
        );
        // Events are kept in databases: who has none has nothing to do with the bus.
        let bus = match databases.is_empty() {
            true => None,
            false => Some(Bus::open(&bus, &process.data_dir, database.synchronous, clock.clone()).await?),
        };
        let key =
            secret(process.mode, &process.data_dir, "identity.service_key", identity.service_key.as_ref())?;
        let service_keys = Arc::new(ServiceKeys::new(&key, &identity));
        let remote = peers
            .into_iter()
            .filter_map(|(name, url)| all.iter().find(|spec| spec.name == name).map(|spec| (spec.name, url)));
        let local: Vec<&'static str> =
            targets.iter().map(|(registration, _)| registration.spec.name).collect();
        let directory =
            Directory::new(&local, remote, calls, discovery, service_keys.clone(), clock.clone())?;
        seen.show(&directory);
        let own_url = || {
            let scheme = if tls.is_on() && tls.port.is_none() { "https" } else { "http" };
            format!("{scheme}://{}", listening.unwrap_or_else(|| (http.host, http.port).into()))
        };
        let public_url = http.public_url.clone().unwrap_or_else(own_url).trim_end_matches('/').to_owned();
        let described: Vec<_> = all.iter().map(|spec| (spec.openapi)()).collect();
        let (wakes, carrier) = Wakes::new(&redis)?;
        let (state, listener) = State::open(&state, &redis, clock.clone())?;
        let limits = Limits::new(&limits, &state)?;
        let caches = Caches::new("chassis", cache.clone(), state.clone(), clock.clone());
        let shared = Context {
            spec: all.first().copied().context("there is no service at all")?,
            all: all.into(),
            mode: process.mode,
            data_dir: process.data_dir.clone(),
            shedder: Arc::new(Shedder::new(&http, &described)?),
            http: Arc::new(http),
            public_url,
            verifier: Arc::new(Verifier::new(&identity, clock.clone())),
            identity: Arc::new(identity),
            db: None,
            mailer: None,
            bus,
            events: Arc::new(events),
            outbox: None,
            sagas: None,
            jobs: None,
            idempotency: None,
            wakes,
            state,
            limits,
            caches,
            flags: flags.clone(),
            directory,
            service_keys,
            clock,
            stop,
        };
        let every = Duration::from_secs(process.reload_secs);
        let (mode, keys, clock) = (process.mode, shared.service_keys.clone(), shared.clock.clone());
        Ok(Self {
            reload: Reload { origin, every, mode, flags, keys, clock },
            process,
            databases,
            shared,
            carrier,
            listener,
            cache,
            mail,
            saga,
            jobs,
            jobs_board,
            idempotency,
        })
    }

    /// The context of one service.
    pub(super) fn context(&self, spec: &'static Spec) -> anyhow::Result<Context> {
        let db = self.databases.get(spec.name).cloned();
        let mailer = |db: &Db| Mailer::new(self.mail.clone(), db.clone(), self.shared.clock.clone());
        let mailer = db.as_ref().map(mailer).transpose()?;
        let Context { events, clock, .. } = &self.shared;
        let outbox = db.is_some().then(|| Outbox::new(spec.name, spec.events, events, clock.clone()));
        let sagas = db.clone().map(|db| Sagas::new(self.saga.clone(), db, clock.clone()));
        let idempotency = db.clone().map(|db| Idempotency::new(&self.idempotency, db, clock.clone()));
        let queued = || self.shared.wakes.topic(spec.name, "jobs");
        let (config, board) = (&self.jobs, &self.jobs_board);
        let jobs = |db| Jobs::new(config.clone(), db, clock.clone(), queued(), board.clone());
        let jobs = db.clone().map(jobs);
        let caches =
            Caches::new(spec.name, self.cache.clone(), self.shared.state.of(spec.name), clock.clone());
        Ok(Context { spec, db, mailer, outbox, sagas, jobs, idempotency, caches, ..self.shared.clone() })
    }
}

async fn open_databases(
    targets: &[Target],
    config: &DatabaseConfig,
    data_dir: &Path,
) -> anyhow::Result<BTreeMap<&'static str, Db>> {
    let with_tables = targets.iter().filter_map(|(registration, _)| {
        registration.spec.database.as_ref().map(|migrations| (registration.spec.name, migrations))
    });
    let with_tables: Vec<_> = with_tables.collect();
    let all = u32::try_from(with_tables.len()).unwrap_or(u32::MAX);
    let opening = with_tables.into_iter().map(|(name, migrations)| async move {
        let opened = Db::open_among(all, config, name, data_dir).await;
        let db = opened.with_context(|| format!("{name} has no database"))?;
        db.migrate("chassis", &CHASSIS_MIGRATIONS).await?;
        db.migrate(name, migrations).await?;
        anyhow::Ok((name, db))
    });
    Ok(try_join_all(opening).await?.into_iter().collect())
}

/// Divides the services into the declarations of all and the targets of this process.
pub(super) fn divide(platform: &mut Platform, targets: &Targets) -> (Vec<&'static Spec>, Vec<Target>) {
    let services = std::mem::take(&mut platform.services);
    let all = services.iter().map(|(registration, _)| registration.spec).collect();
    let here =
        services.into_iter().filter(|(registration, _)| targets.contains(registration.spec.name)).collect();
    (all, here)
}

/// What databases hold, by service; for those that have one.
pub(super) fn described(databases: &BTreeMap<&'static str, Db>) -> Vec<(&'static str, String)> {
    databases.iter().map(|(name, db)| (*name, db.describe().to_owned())).collect()
}

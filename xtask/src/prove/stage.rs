//! Where a proof takes place: a database, a bus, the processes on them, and the servers that they need.

use super::build::Tiny;
use super::cluster::{Cluster, Settings};
use anyhow::Result;
use std::path::Path;
use testkit::servers::{KafkaMock, Nats, Postgres};

/// Where the services keep their data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Database {
    Sqlite,
    Postgres,
}

/// What carries their events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bus {
    Embedded,
    Nats,
    Kafka,
}

impl Database {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
        }
    }
}

impl Bus {
    pub(crate) const ALL: [Self; 3] = [Self::Embedded, Self::Nats, Self::Kafka];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Embedded => "embedded",
            Self::Nats => "nats",
            Self::Kafka => "kafka",
        }
    }
}

/// The processes of one run and the servers under them, which are stopped after them.
pub(super) struct Stage {
    pub(super) cluster: Cluster,
    pub(super) nats: Option<Nats>,
    _kafka: Option<KafkaMock>,
    pub(super) postgres: Option<Postgres>,
}

/// Brokers of the mock cluster, so that topics have replicas.
pub(crate) const BROKERS: u32 = 3;
/// The one topic of the tiny services; the mock makes topics at its start only.
const TOPIC: &str = "bowline-entry";

/// Time limits that are short, so that what a killed process held is soon taken over.
const SHORT: &[(&str, &str)] = &[
    ("BOWLINE_DELIVERY__LEASE_MS", "1000"),
    ("BOWLINE_DELIVERY__HANDLER_TIMEOUT_MS", "1000"),
    ("BOWLINE_DELIVERY__POLL_MS", "100"),
    ("BOWLINE_SAGA__LEASE_MS", "1000"),
    ("BOWLINE_SAGA__POLL_MS", "100"),
];

impl Stage {
    /// Starts the servers and the processes: one process where the bus is a file, else the ledger and the counter in
    /// processes of their own, and two of the counter where they share a database.
    pub(super) fn set(tiny: &Tiny, home: &Path, database: Database, bus: Bus) -> Result<Self> {
        let mut settings: Settings = vec![
            (
                "BOWLINE_IDENTITY__SERVICE_KEY".to_owned(),
                "a key for the processes of one proof only".to_owned(),
            ),
            ("BOWLINE_DATABASE__ACQUIRE_TIMEOUT_MS".to_owned(), "3000".to_owned()),
        ];
        settings.extend(SHORT.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let (mut nats, mut kafka, mut postgres) = (None, None, None);
        match bus {
            Bus::Embedded => {}
            Bus::Nats => {
                let server = Nats::start()?;
                settings.push(("BUS_URL".to_owned(), server.url()));
                nats = Some(server);
            }
            Bus::Kafka => {
                let server = KafkaMock::start(BROKERS, &[TOPIC])?;
                // The mock does not answer when it is asked for the settings of a topic, which each start waits for.
                settings.push(("BOWLINE_BUS__REQUEST_TIMEOUT_MS".to_owned(), "1000".to_owned()));
                settings.push(("BUS_URL".to_owned(), server.url()));
                kafka = Some(server);
            }
        }
        if database == Database::Postgres {
            let server = Postgres::start()?;
            settings.push(("DATABASE_URL".to_owned(), server.url("{service}")));
            postgres = Some(server);
        }
        let targets: &[&'static str] = match (database, bus) {
            (_, Bus::Embedded) => &["all"],
            (Database::Sqlite, _) => &["ledger", "counter"],
            (Database::Postgres, _) => &["ledger", "counter", "counter"],
        };
        let cluster = Cluster::start(&tiny.binary, &[], home, targets, settings)?;
        Ok(Self { cluster, nats, _kafka: kafka, postgres })
    }

    /// Stops the processes in order, then the servers.
    pub(super) fn strike(self) -> Result<()> {
        self.cluster.stop()
    }
}

//! What survives what: read at start from the engines themselves, told, and in production demanded.
//!
//! "Committed" means little when the server was told not to write to the disk, and nobody notices before the power cut. So
//! every start asks each database, the bus and Redis for the settings that decide, and logs one line for each:
//!
//! ```text
//! orders on PostgreSQL: a commit survives a power cut (fsync on, synchronous_commit on, full_page_writes on)
//! ```
//!
//! What must hold:
//! - The line says what is in force, not what was configured here: it is read from the connection that writes.
//! - In production a process does not go on with less than the section `durability` demands. The error names the setting
//!   of the server that has to change.
//! - An engine that is away at start is asked until it answers; the process starts without it, as it does anyway.
//! - What cannot be read counts as the least that it may be, and the line says so.
//!
//! What it does not do: it believes the engines. A disk that says it has written and has not, and a file system over a
//! network, are beyond it. It asks once: a server that is told otherwise later is noticed at the next start.

mod bus;
mod database;
mod guard;
mod state;

pub use guard::{Board, Later, guard};

use crate::config::{Mode, Problems, Validate, setting_enum, settings};
use serde::{Serialize, Serializer};
use std::cmp::Ordering;

setting_enum! {
    /// What something that was acknowledged survives; each more than the one before.
    pub enum Guarantee {
        /// It may be lost when the process or server ends that keeps it.
        Nothing = "nothing",
        /// The end of any process, however sudden; not a power cut.
        ProcessCrash = "process_crash",
        /// Also a power cut or a crash of the kernel: it is on the disk, or on several machines of which one may fail.
        PowerCut = "power_cut",
        /// Also the loss of a machine with its disk: it is on the disks of several.
        MachineLoss = "machine_loss",
    }
}

impl Guarantee {
    /// What follows the words "a commit".
    const fn promise(self) -> &'static str {
        match self {
            Self::Nothing => "may be lost when its server ends",
            Self::ProcessCrash => "survives the end of any process, and may be lost at a power cut",
            Self::PowerCut => "survives a power cut",
            Self::MachineLoss => "survives a power cut and the loss of a machine",
        }
    }
}

impl PartialOrd for Guarantee {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Guarantee {
    fn cmp(&self, other: &Self) -> Ordering {
        (*self as u8).cmp(&(*other as u8))
    }
}

impl Serialize for Guarantee {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

settings! {
    /// What must survive what.
    ///
    /// The engines are asked at start what they really do. Production does not start with less than this; development only
    /// tells.
    pub struct DurabilityConfig {
        /// What a commit must survive in every database: `process_crash` its end, however sudden, `power_cut` also a power
        /// cut, `machine_loss` also the loss of a machine with its disk.
        database: Guarantee = Guarantee::PowerCut;
        /// What a record must survive that the bus has confirmed.
        bus: Guarantee = Guarantee::PowerCut;
        /// What short-lived state and limits must survive. By default nothing: they are for what may be lost.
        state: Guarantee = Guarantee::Nothing;
    }
}

impl Validate for DurabilityConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

/// What holds for one engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Whose it is: the service of a database, `bus`, `state`.
    pub what: String,
    /// The engine, without its address.
    pub engine: &'static str,
    /// What is acknowledged there.
    #[serde(skip)]
    pub unit: &'static str,
    /// What that survives.
    pub survives: Guarantee,
    /// The settings that decide it, as they are in force.
    pub because: String,
    /// What to change so that it survives more.
    #[serde(skip)]
    pub cure: &'static str,
}

impl Held {
    /// One line for people.
    #[must_use]
    pub fn line(&self) -> String {
        let Self { what, engine, unit, survives, because, .. } = self;
        format!("{what} on {engine}: {unit} {} ({because})", survives.promise())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_guarantee_is_more_than_the_one_before() {
        assert!(Guarantee::ALL.is_sorted() && Guarantee::ALL.len() == 4);
        assert!(
            Guarantee::PowerCut > Guarantee::ProcessCrash && Guarantee::ProcessCrash > Guarantee::Nothing
        );
    }

    #[test]
    fn the_line_says_what_survives_what_and_why() {
        let held = Held {
            what: "orders".to_owned(),
            engine: "PostgreSQL",
            unit: "a commit",
            survives: Guarantee::PowerCut,
            because: "fsync on".to_owned(),
            cure: "",
        };
        assert_eq!(held.line(), "orders on PostgreSQL: a commit survives a power cut (fsync on)");
    }
}

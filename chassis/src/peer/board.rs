//! The peers as they are seen from here, for the operations listener.

use super::{Directory, Place};
use serde::Serialize;
use std::sync::{Arc, OnceLock};

/// Where it is told how the peers are; empty until the process knows them.
#[derive(Debug, Clone, Default)]
pub struct Board(Arc<OnceLock<Directory>>);

/// A peer as it is seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// Its name.
    pub peer: &'static str,
    /// Who told where it is: `static`, `dns`, `consul`; `process` when it is in this one.
    pub by: &'static str,
    /// Its instances in other processes.
    pub instances: Vec<SeenInstance>,
}

/// An instance as it is seen from here.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SeenInstance {
    /// Its name in the metrics of its breaker.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// `closed`: it is called. `open`: it is left alone. `half open`: a few calls find out.
    pub breaker: &'static str,
    /// Calls from here that are under way.
    pub in_flight: u32,
    /// How long answers took lately, in milliseconds.
    pub latency_ms: f64,
}

impl Board {
    pub(crate) fn show(&self, directory: &Directory) {
        drop(self.0.set(directory.clone()));
    }

    /// The peers, by name.
    #[must_use]
    pub fn read(&self) -> Vec<Seen> {
        self.0.get().map(Directory::seen).unwrap_or_default()
    }
}

pub(super) fn look(peer: &'static str, place: &Place) -> Seen {
    let Place::Remote(remote) = place else {
        return Seen { peer, by: "process", instances: Vec::new() };
    };
    let instances = remote.instances.list();
    let instances = instances.iter().map(|instance| SeenInstance {
        name: format!("{peer}/{}", instance.slot),
        url: instance.base.to_string(),
        breaker: instance.state().as_str(),
        in_flight: instance.in_flight(),
        latency_ms: (instance.micros() / 10.0).round() / 100.0,
    });
    Seen { peer, by: remote.address.kind(), instances: instances.collect() }
}

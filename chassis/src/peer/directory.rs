//! Which peer is where: in this process when it is one of the targets, else where `peers.<name>` says.

use super::address::Address;
use super::config::CallsConfig;
use super::discovery::{self, DiscoveryConfig};
use super::remote::Remote;
use super::{Peer, Place, Seen, board};
use crate::clock::Clock;
use crate::http::Edge;
use crate::identity::ServiceKeys;
use crate::stop::Stop;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use tokio::task::JoinSet;

/// All peers of a process, by name.
#[derive(Clone)]
pub struct Directory {
    places: Arc<HashMap<&'static str, Arc<Place>>>,
    discovery: Arc<DiscoveryConfig>,
    keys: Arc<ServiceKeys>,
    clock: Clock,
}

impl Directory {
    /// `local` are the targets of this process; `remote` says where others are. A target stays local whatever that says.
    ///
    /// # Errors
    /// When what is said cannot be read; the message names every such peer.
    pub fn new(
        local: &[&'static str],
        remote: impl IntoIterator<Item = (&'static str, String)>,
        calls: CallsConfig,
        discovery: DiscoveryConfig,
        keys: Arc<ServiceKeys>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let calls = Arc::new(calls);
        let mut places = HashMap::new();
        let mut wrong = Vec::new();
        for (name, text) in remote.into_iter().filter(|(name, _)| !local.contains(name)) {
            match Address::parse(&text) {
                Ok(address) => {
                    let remote = Remote::new(name, address, calls.clone());
                    places.insert(name, Arc::new(Place::Remote(Box::new(remote))));
                }
                Err(error) => wrong.push(format!("peers.{name}: {error:#}")),
            }
        }
        anyhow::ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        for name in local {
            places.insert(*name, Arc::new(Place::Local(OnceLock::new())));
        }
        Ok(Self { places: Arc::new(places), discovery: Arc::new(discovery), keys, clock })
    }

    /// The peer of this name as `caller` reaches it; `None` when it is neither a target nor has a URL.
    #[must_use]
    pub fn peer(&self, caller: &'static str, name: &str) -> Option<Peer> {
        let (name, place) = self.places.get_key_value(name)?;
        Some(Peer { name, caller, place: place.clone(), keys: self.keys.clone(), clock: self.clock.clone() })
    }

    /// Whether there is a peer whose instances have to be found.
    #[must_use]
    pub fn has_to_discover(&self) -> bool {
        let found =
            |place: &Arc<Place>| matches!(&**place, Place::Remote(remote) if !remote.address.is_fixed());
        self.places.values().any(found)
    }

    /// Follows where instances are, until the stop.
    pub async fn discover(self, stop: Stop) {
        let mut following = JoinSet::new();
        for place in self.places.values().cloned() {
            let (config, stop) = (self.discovery.clone(), stop.clone());
            following.spawn(async move {
                if let Place::Remote(remote) = &*place {
                    discovery::follow(remote, &config, &stop).await;
                }
            });
        }
        following.join_all().await;
    }

    /// The peers as they are seen from here, by name.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let mut seen: Vec<Seen> = self.places.iter().map(|(name, place)| board::look(name, place)).collect();
        seen.sort_by_key(|seen| seen.peer);
        seen
    }

    /// Puts a built service in its place.
    pub(crate) fn connect(&self, edge: &Edge) {
        if let Some(Place::Local(cell)) = self.places.get(edge.service()).map(|place| &**place)
            && cell.set(Box::new(edge.clone())).is_err()
        {
            tracing::error!(service = edge.service(), "was built twice; the first stays");
        }
    }
}

impl std::fmt::Debug for Directory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.places.keys()).finish()
    }
}

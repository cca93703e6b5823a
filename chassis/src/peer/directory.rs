//! Which peer is where: in this process when it is one of the targets, else behind the URL of `peers.<name>`.

use super::base::Base;
use super::{Peer, Place};
use crate::clock::Clock;
use crate::http::Edge;
use crate::identity::ServiceKeys;
use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

/// All peers of a process, by name.
#[derive(Clone)]
pub struct Directory {
    places: Arc<HashMap<&'static str, Arc<Place>>>,
    keys: Arc<ServiceKeys>,
    clock: Clock,
}

impl Directory {
    /// `local` are the targets of this process; `remote` are the URLs of others. A target stays local even with a URL.
    ///
    /// # Errors
    /// When a URL is not one; the message names the peer.
    pub fn new(
        local: &[&'static str],
        remote: impl IntoIterator<Item = (&'static str, String)>,
        keys: Arc<ServiceKeys>,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let mut places = HashMap::new();
        for (name, url) in remote {
            places.insert(
                name,
                Arc::new(Place::Remote(Base::parse(&url).map_err(|e| e.context(format!("peers.{name}")))?)),
            );
        }
        for name in local {
            places.insert(*name, Arc::new(Place::Local(OnceLock::new())));
        }
        Ok(Self { places: Arc::new(places), keys, clock })
    }

    /// The peer of this name as `caller` reaches it; `None` when it is neither a target nor has a URL.
    #[must_use]
    pub fn peer(&self, caller: &'static str, name: &str) -> Option<Peer> {
        let (name, place) = self.places.get_key_value(name)?;
        Some(Peer { name, caller, place: place.clone(), keys: self.keys.clone(), clock: self.clock.clone() })
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

//! Roll-outs of routes of a file, against servers on loopback that do what a test says.

mod copies;
mod sides;
mod steps;

use crate::routes::Routed;
use contract::identity::Role;
use http::Method;
use serde_json::Value;
use testkit::{Answer, Client, FaultyPeer};

/// `[upstream.NAME]` for each of these.
pub(crate) fn upstreams(peers: &[(&str, &FaultyPeer)]) -> String {
    let upstream =
        |(name, peer): &(&str, &FaultyPeer)| format!("[upstream.{name}]\ninstances = [\"{}\"]\n", peer.url());
    peers.iter().map(upstream).collect()
}

/// A public route to the upstream `stable`.
pub(crate) fn route(more: &str) -> String {
    format!(
        "[[route]]\nname = \"shop\"\npath = \"/shop/{{*rest}}\"\nupstream = \"stable\"\naccess = {{ who = \"public\" \
         }}\n{more}\n"
    )
}

/// What a peer that is well says: its name.
pub(crate) fn name(answer: &Answer) -> String {
    answer.data::<Value>().as_str().unwrap().to_owned()
}

impl Routed {
    /// Somebody who is logged in and nobody else is.
    pub(crate) fn somebody(&self) -> Client {
        self.door.client().bearer(&self.issuer.token(self.door.clock(), &[Role::User]))
    }

    pub(crate) async fn said(&self, headers: &[(&str, &str)]) -> String {
        name(&self.get("/shop/x", headers).await.expect(200))
    }
}

pub(crate) async fn said_to(client: &Client) -> String {
    name(&client.request(Method::GET, "/shop/x").send().await.expect(200))
}

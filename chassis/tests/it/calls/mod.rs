//! Calls to peers in other processes whose instances fail in every way.

mod breakers;
mod found;
mod limits;
mod retries;

use crate::house::{Relay, Things};
use http::Method;
use std::fmt::Write as _;
use testkit::{Answer, FaultyPeer, Setup, TestService};

pub(crate) const KEY: &str = "a-service-key-for-tests-that-is-long-enough";

/// `relay` in front of these instances of its peer.
async fn relay_to(instances: &[&FaultyPeer], settings: &[(&str, &str)]) -> TestService {
    let urls: Vec<String> = instances.iter().map(|instance| instance.url()).collect();
    relay_at(&urls.join(","), settings).await
}

/// `relay` in front of a peer that is where this says.
async fn relay_at(peer: &str, settings: &[(&str, &str)]) -> TestService {
    let setup = Setup::of::<Relay>().and::<Things>().targets("relay").peer("things", peer);
    let setup = setup.set("BOWLINE_IDENTITY__SERVICE_KEY", KEY);
    let set = |setup: Setup, (name, value): &(&str, &str)| setup.set(&format!("BOWLINE_{name}"), *value);
    settings.iter().fold(setup, set).build().await
}

/// Asks `relay` to call its peer.
async fn call(relay: &TestService, method: Method, manner: &str, timeout_ms: Option<u32>) -> Answer {
    let mut path = "/api/v1/relay?path=/api/v1/things".to_owned();
    if !manner.is_empty() {
        write!(path, "&manner={manner}").unwrap();
    }
    let client = relay.client();
    let ask = client.request(method, &path);
    match timeout_ms {
        Some(ms) => ask.header("x-request-timeout-ms", &ms.to_string()).send().await,
        None => ask.send().await,
    }
}

async fn get(relay: &TestService) -> Answer {
    call(relay, Method::GET, "", None).await
}

/// Which instance answered.
fn who(answer: &Answer) -> String {
    answer.json()["data"]["peer"].as_str().unwrap_or_default().to_owned()
}

/// The breakers of the peer's instances, as the operations listener would show them.
fn breakers(relay: &TestService) -> Vec<&'static str> {
    let things = relay.assembled().peers().into_iter().find(|seen| seen.peer == "things").unwrap();
    things.instances.iter().map(|instance| instance.breaker).collect()
}

/// Calls that are under way to the peer's instances.
fn in_flight(relay: &TestService) -> u32 {
    let seen = relay.assembled().peers();
    seen.iter().flat_map(|seen| &seen.instances).map(|instance| instance.in_flight).sum()
}

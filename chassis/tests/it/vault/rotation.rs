//! What is read again while the process runs.

use super::TOKEN;
use crate::house::{Relay, Things};
use http::Method;
use std::time::Duration;
use testkit::{FakeVault, Listening, Mood, Setup, TestService, eventually};

const OLD: &str = "old-Zq8wk3n5Rr1tYb7pLx0uHsGd4cMf";
const NEW: &str = "new-Zq8wk3n5Rr1tYb7pLx0uHsGd4cMf";
const PATH: &str = "secret/bowline";
const PEER: &str = "/api/v1/relay?path=/api/v1/things/context";

/// `things` and `relay` in processes of their own, each with a Vault, so that one may hear of a secret before the other.
struct House {
    vaults: [FakeVault; 2],
    things: TestService,
    relay: TestService,
    _listening: Listening,
}

impl House {
    async fn new() -> Self {
        let vaults = [FakeVault::start(TOKEN, None), FakeVault::start(TOKEN, None)];
        let setup = |vault: &FakeVault| {
            vault.put(PATH, "service_key", OLD);
            Setup::of::<Relay>()
                .and::<Things>()
                .set("VAULT_ADDR", vault.url())
                .set("VAULT_TOKEN", TOKEN)
                .set("BOWLINE_VAULT__TIMEOUT_MS", "300")
                .set("BOWLINE_RELOAD_SECS", "1")
                .set("BOWLINE_IDENTITY__SERVICE_KEY", format!("vault:{PATH}#service_key"))
        };
        let things = setup(&vaults[0]).targets("things").build().await;
        let listening = things.listen();
        let relay = setup(&vaults[1]).targets("relay").peer("things", listening.url()).build().await;
        Self { vaults, things, relay, _listening: listening }
    }

    /// Whether `things` believes that the call is the relay's.
    async fn holds(&self) -> bool {
        let answer = self.relay.client().request(Method::GET, PEER).send().await.expect(200);
        answer.json()["data"]["peer"]["callingService"] == "relay"
    }

    /// Moves both clocks.
    fn advance(&self, by: Duration) {
        self.things.clock().advance(by);
        self.relay.clock().advance(by);
    }

    /// Waits until a process has read its Vault again, from start to end, calling all the while.
    async fn read_again(&self, vault: &FakeVault) {
        let before = vault.asked().len();
        eventually(async || {
            assert!(self.holds().await, "a call was refused");
            vault.asked().len() >= before + 2
        })
        .await;
    }
}

#[tokio::test]
async fn a_rotated_service_key_is_taken_up_and_no_call_is_refused_meanwhile() {
    let house = House::new().await;
    let [things, relay] = &house.vaults;
    assert!(house.holds().await);
    // The caller hears of it first, and goes on with the old one.
    relay.put(PATH, "service_key", NEW);
    house.read_again(relay).await;
    house.advance(Duration::from_secs(100));
    assert!(house.holds().await);
    things.put(PATH, "service_key", NEW);
    house.read_again(things).await;
    // Well beyond the wait and the end of the old one.
    for _ in 0..20 {
        house.advance(Duration::from_secs(60));
        assert!(house.holds().await);
    }
    let by = |key: &str| {
        let config = chassis::identity::IdentityConfig::default();
        let keys = chassis::identity::ServiceKeys::new(&key.to_owned().into(), &config);
        keys.credential("relay", "things", house.things.clock()).unwrap().to_str().unwrap().to_owned()
    };
    let closed = async |key: &str| {
        let client = house.things.client();
        let ask = client.request(Method::GET, "/internal/v1/things/closed");
        ask.header("x-service-authorization", &by(key)).send().await.status.as_u16()
    };
    assert_eq!((closed(NEW).await, closed(OLD).await), (200, 404));
}

#[tokio::test]
async fn a_vault_that_fails_while_running_changes_nothing() {
    let house = House::new().await;
    let [things, _] = &house.vaults;
    for mood in
        [Mood::Closing, Mood::Hanging, Mood::Lying("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n".to_owned())]
    {
        things.be(mood);
        house.read_again(things).await;
    }
    things.be(Mood::Honest);
    things.accept("hvs.another");
    house.read_again(things).await;
    house.advance(Duration::from_secs(1_200));
    assert!(house.holds().await);
}

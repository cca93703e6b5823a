//! The event store, one suite on both engines.

mod aggregates;
mod appends;
mod projections;
mod tails;

use chassis::clock::{Clock, Ts};
use chassis::db::{Db, Tx};
use chassis::event_store::{Aggregate, AppendError, EventStore, Expected, StreamId};
use chassis::state::RedisConfig;
use chassis::stored_events;
use chassis::wake::{Wake, Wakes};
use contract::event::{Event, OlderVersion, UpcastError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// What `account.credited.v1` said, in whole euros.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
struct CreditedV1 {
    account: Uuid,
    euros: i64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct Credited {
    account: Uuid,
    cents: i64,
}

impl Event for Credited {
    const TYPE: &'static str = "account.credited";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "Money came in.";
    const OLDER: &'static [OlderVersion] = &[OlderVersion::of::<CreditedV1>(1)];

    fn key(&self) -> String {
        self.account.to_string()
    }

    fn upcast(version: u32, mut data: Value) -> Result<Value, UpcastError> {
        let euros = data["euros"].as_i64().filter(|_| version == 1);
        data["cents"] = euros.map(|euros| euros * 100).ok_or_else(|| UpcastError::unknown(version))?.into();
        Ok(data)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
struct Renamed {
    account: Uuid,
    name: String,
}

impl Event for Renamed {
    const TYPE: &'static str = "account.renamed";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "It has another name.";

    fn key(&self) -> String {
        self.account.to_string()
    }
}

stored_events! {
    /// What happens to an account.
    #[derive(Debug, Clone, PartialEq, Eq)]
    enum AccountEvent {
        /// Money came in.
        Credited(Credited),
        /// It has another name.
        Renamed(Renamed),
    }
}

/// An account whose order of events matters: `trace` is another one when two of them change places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Account {
    cents: i64,
    name: String,
    trace: i64,
}

impl Aggregate for Account {
    type Event = AccountEvent;
    const NAME: &'static str = "account";
    const SNAPSHOT_VERSION: u32 = 1;
    const SNAPSHOT_EVERY: i64 = 5;

    fn apply(&mut self, event: AccountEvent) {
        self.trace = self.trace.wrapping_mul(31);
        match event {
            AccountEvent::Credited(event) => {
                self.cents += event.cents;
                self.trace = self.trace.wrapping_add(event.cents);
            }
            AccountEvent::Renamed(event) => {
                self.trace = self.trace.wrapping_add(i64::try_from(event.name.len()).unwrap());
                self.name = event.name;
            }
        }
    }
}

fn credited(account: Uuid, cents: i64) -> AccountEvent {
    AccountEvent::Credited(Credited { account, cents })
}

fn wake() -> Wake {
    Wakes::new(&RedisConfig::default()).unwrap().0.topic("test", "event-store")
}

fn store(db: &Db, clock: Clock) -> EventStore {
    EventStore::new(db.clone(), wake(), clock)
}

fn stream(account: Uuid) -> StreamId {
    StreamId::new(Account::NAME, account)
}

fn start() -> Ts {
    Ts::from_secs(1_767_225_600)
}

/// Appends one credit in `t`.
async fn credit(
    store: &EventStore,
    t: &mut Tx,
    account: Uuid,
    expected: Expected,
    cents: i64,
) -> Result<i64, AppendError> {
    store.append(t, &stream(account), expected, &[credited(account, cents)]).await
}

/// Appends one credit in a transaction of its own.
async fn commit_credit(db: &Db, store: &EventStore, account: Uuid, cents: i64) {
    let mut t = db.begin().await.unwrap();
    credit(store, &mut t, account, Expected::Any, cents).await.unwrap();
    t.commit().await.unwrap();
}

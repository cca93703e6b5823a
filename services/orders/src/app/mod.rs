//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].
//!
//! Everything that changes an order is one transaction: its events, the row of its checkout, what is published, the saga that
//! goes on with it, and the answer to the request. An order is held (`EventStore::hold`) before anything is decided on it,
//! and before any other row is touched, so two who change it wait for each other and neither sees half of the other.

mod advance;
mod cancel;
mod cart;
mod follow;
mod followers;
mod heard;
mod history;
mod place;
mod priced;
mod refund;
mod retry;
mod see;
mod settle;
mod waiting;

pub(crate) use advance::Advance;
pub(crate) use follow::Following;
pub(crate) use followers::tell_followers;
pub(crate) use settle::Confirming;
pub(crate) use waiting::Waiting;

use crate::config::OrdersConfig;
use crate::domain::events::OrderEvent;
use crate::domain::order::Order;
use crate::domain::pricing::PricingRules;
use crate::error::OrdersResult;
use anyhow::Context as _;
use chassis::clock::Clock;
use chassis::db::{Db, Tx};
use chassis::event_store::{EventStore, Loaded};
use chassis::events::Outbox;
use chassis::identity::Verifier;
use chassis::saga::{Saga, Sagas, Started};
use chassis::service::Context;
use chassis::stop::Stop;
use chassis::wake::Wake;
use contract::catalog::CatalogClient;
use contract::client::Caller;
use contract::ids::OrderId;
use contract::inventory::InventoryClient;
use contract::payments::PaymentsClient;
use followers::Followers;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// How long stock and payment may take. Shorter than the inventory keeps stock.
pub const CHECKOUT_WITHIN: Duration = Duration::from_secs(600);

/// A stream in which nothing happens shows at least this often that it is there, so that nobody on the way takes the
/// connection for a dead one.
const LONGEST_SILENCE: Duration = Duration::from_secs(15);

/// The service, shared by its handlers, its flows and its jobs.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the service is made of.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) store: EventStore,
    pub(crate) sagas: Sagas,
    pub(crate) catalog: CatalogClient,
    pub(crate) inventory: InventoryClient,
    pub(crate) payments: PaymentsClient,
    /// Wakes whoever waits for the list of orders to change.
    pub(crate) listed: Wake,
    /// Who follows orders in this process.
    pub(crate) followers: Followers,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) stop: Stop,
    /// Between two signs of life of a stream in which nothing happens.
    pub(crate) keep_alive: Duration,
    /// Who waits for the end of an order's checkout in this process.
    pub(crate) waiting: Waiting,
    /// The shop's prices beside those of its goods.
    pub(crate) rules: PricingRules,
    pub(crate) config: OrdersConfig,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).finish_non_exhaustive()
    }
}

impl App {
    pub(crate) fn new(config: OrdersConfig, context: &Context) -> anyhow::Result<Self> {
        let peer = |name: &str| -> anyhow::Result<Caller> {
            Ok(context.peer(name).with_context(|| format!("there is no {name}"))?.caller())
        };
        Ok(Self(Arc::new(Inner {
            db: context.db()?,
            clock: context.clock().clone(),
            outbox: context.outbox()?,
            store: context.event_store()?,
            sagas: context.sagas()?,
            catalog: CatalogClient::new(peer("catalog")?),
            inventory: InventoryClient::new(peer("inventory")?),
            payments: PaymentsClient::new(peer("payments")?),
            listed: context.wake("order-list"),
            followers: Followers::new(config.followers_max),
            verifier: context.verifier().clone(),
            stop: context.stop().clone(),
            // A door breaks off an answer that stands still for as long as a request may take.
            keep_alive: (context.http().request_timeout() / 2).min(LONGEST_SILENCE),
            waiting: Waiting::default(),
            rules: PricingRules::from_config(&config)?,
            config,
        })))
    }

    /// The service over a database of a test's own, with peers and clock of a process that is there.
    #[cfg(test)]
    pub(crate) fn over(db: Db, process: &Context) -> anyhow::Result<Self> {
        use chassis::events::EventsConfig;
        use chassis::saga::SagaConfig;
        let (config, clock) = (OrdersConfig::default(), process.clock().clone());
        let peer = |name: &str| -> anyhow::Result<Caller> {
            Ok(process.peer(name).with_context(|| format!("there is no {name}"))?.caller())
        };
        Ok(Self(Arc::new(Inner {
            outbox: Outbox::new("orders", crate::EVENTS, &EventsConfig::default(), clock.clone()),
            store: EventStore::new(db.clone(), process.wake("event-store"), clock.clone()),
            sagas: Sagas::new(SagaConfig::default(), db.clone(), clock.clone()),
            catalog: CatalogClient::new(peer("inventory")?),
            inventory: InventoryClient::new(peer("inventory")?),
            payments: PaymentsClient::new(peer("payments")?),
            listed: process.wake("order-list"),
            followers: Followers::new(1),
            keep_alive: LONGEST_SILENCE,
            verifier: process.verifier().clone(),
            stop: process.stop().clone(),
            waiting: Waiting::default(),
            rules: PricingRules::from_config(&config)?,
            config,
            clock,
            db,
        })))
    }

    /// Starts a saga under an id that was made for it.
    async fn lead<S: Saga>(&self, t: &mut Tx, id: Uuid, params: &S::Params) -> OrdersResult<()> {
        match self.sagas.start::<S>(t, id, params).await? {
            Started::Now => Ok(()),
            Started::Before => Err(anyhow::anyhow!("the new id {id} belongs to a saga").into()),
        }
    }

    /// Appends to an order what was decided on it, and wakes whoever in this process waits for it to come to rest once that is
    /// committed.
    pub(crate) async fn record(
        &self,
        t: &mut Tx,
        order: Loaded<Order>,
        events: Vec<OrderEvent>,
    ) -> OrdersResult<Loaded<Order>> {
        let order = self.store.save(t, order, events).await?;
        let (id, settled) = (OrderId(order.id), !order.state.is_processing());
        if settled {
            let waiting = self.waiting.clone();
            t.after_commit(move || waiting.tell(id));
        }
        Ok(order)
    }
}

//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].
//!
//! Everything that changes an order is one transaction: its events, the row of its checkout, what is published, the saga that
//! goes on with it, and the answer to the request.

mod cart;
mod follow;
mod followers;

pub(crate) use follow::Following;
pub(crate) use followers::tell_followers;

use crate::config::OrdersConfig;
use crate::domain::pricing::PricingRules;
use anyhow::Context as _;
use chassis::clock::Clock;
use chassis::db::Db;
use chassis::event_store::EventStore;
use chassis::events::Outbox;
use chassis::identity::Verifier;
use chassis::saga::Sagas;
use chassis::service::Context;
use chassis::stop::Stop;
use chassis::wake::Wake;
use contract::catalog::CatalogClient;
use contract::client::Caller;
use contract::inventory::InventoryClient;
use contract::payments::PaymentsClient;
use followers::Followers;
use std::sync::Arc;

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
    /// Wakes whoever waits for an order to change.
    pub(crate) moved: Wake,
    /// Wakes whoever waits for the list of orders to change.
    pub(crate) listed: Wake,
    /// Who follows orders in this process.
    pub(crate) followers: Followers,
    pub(crate) verifier: Arc<Verifier>,
    pub(crate) stop: Stop,
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
            moved: context.wake("orders"),
            listed: context.wake("order-list"),
            followers: Followers::new(config.followers_max),
            verifier: context.verifier().clone(),
            stop: context.stop().clone(),
            rules: PricingRules::from_config(&config)?,
            config,
        })))
    }
}

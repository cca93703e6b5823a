//! What the service does, a file a noun. Handlers call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].
//!
//! Everything that changes is one transaction with its events. What a route does once for each `Idempotency-Key` is given
//! back uncommitted, as a [`chassis::db::Tx`]: the handler commits it together with its answer.

mod books;
mod brands;
mod categories;
mod change_product;
mod list_products;
mod quote;
mod show_product;
mod views;

pub(crate) use views::Views;

use chassis::clock::Clock;
use chassis::db::Db;
use chassis::events::Outbox;
use chassis::identity::Principal;
use contract::identity::Permission;
use contract::ids::UserId;
use std::sync::Arc;

/// The service, shared by its handlers. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// What the service is made of.
pub struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) views: Views,
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
    pub(crate) fn new(db: Db, clock: Clock, outbox: Outbox, views: Views) -> Self {
        Self(Arc::new(Inner { db, clock, outbox, views }))
    }
}

/// Whose products somebody may change: everybody's (`None`), or their own.
fn reach(who: &Principal) -> Option<UserId> {
    (!who.may(Permission::ManageCatalog)).then(|| who.user())
}

/// Whether somebody may see a product of this vendor that is not sold.
fn sees_hidden(who: &Principal, vendor: UserId) -> bool {
    who.may(Permission::ManageCatalog) || (who.may(Permission::SellProducts) && who.user() == vendor)
}

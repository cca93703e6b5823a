//! The only SQL of the service, a file a noun. Functions are named by verb and scope.
//!
//! Locks are taken in one order: the known order, then messages in the order in which they are called for.

pub mod audit;
pub mod known_order;
pub mod notification;
pub mod notification_list;
pub mod sweep;
pub mod turned_off;

use chassis::db::DbError;

/// A row holds what no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

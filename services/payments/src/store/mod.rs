//! The only SQL of the service.

pub mod audit;
pub mod bank;
pub mod finding;
pub mod list;
pub mod payment;
pub mod refund;
pub mod webhook;

use chassis::db::DbError;

/// What stands in a row is none of what the code writes.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} that this release does not know").into())
}

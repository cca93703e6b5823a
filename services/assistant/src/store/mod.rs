//! The only SQL of the service, a file a noun. Functions are named by verb and scope.

pub mod account;
pub mod audit;
pub mod budget;
pub mod call;
pub mod conversation;
pub mod knowledge;
pub mod message;
pub mod proposal;
pub mod report;

use chassis::clock::Ts;
use chassis::db::DbError;
use chassis::http::Cursor;
use uuid::Uuid;

/// A row holds what no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

/// Where a list begins that is read from its latest end: the last moment that every database holds.
const BEGINNING: Cursor = Cursor { at: Ts::from_secs(253_402_300_799), id: Uuid::max() };

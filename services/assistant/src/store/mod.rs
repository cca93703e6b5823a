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

/// The first `limit` rows, and where the page after them begins, if one more was read.
fn page<R>(mut rows: Vec<R>, limit: u32, place: impl Fn(&R) -> Cursor) -> (Vec<R>, Option<Cursor>) {
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let follows = rows.len() > wanted;
    rows.truncate(wanted);
    let next = rows.last().filter(|_| follows).map(place);
    (rows, next)
}

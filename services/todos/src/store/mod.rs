//! The only SQL of the service, a file a noun. Functions are named by verb and scope.

pub mod owner;
pub mod place;
pub mod todo;
pub mod todo_list;
pub mod todos;

use chassis::db::DbError;

/// A row holds what no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

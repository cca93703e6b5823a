//! The only SQL of the service, a file a noun. Functions are named by verb and scope.

pub mod cart;
pub mod checkout;
pub mod known_product;
pub mod order;
pub mod order_list;

use chassis::db::DbError;

/// A row holds a text that no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

//! The only SQL of the service, a file a noun. Functions are named by verb and scope.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: first reservations (the sweep takes only
//! those that nobody holds), then stock by ascending product. What concerns many rows is one statement, whatever their
//! number: the rows travel as JSON, which each engine takes apart in its own way; see `by_engine`.

pub mod books;
pub mod ledger;
pub mod reservation;
pub mod restock;
pub mod stock;
pub mod stock_list;

use chassis::db::{DbError, Engine, Tx};
use contract::ids::ProductId;
use contract::inventory::ReserveLine;
use serde::Serialize;
use uuid::Uuid;

/// A row holds what no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

/// A count as it goes over the wire.
fn count(number: i64, what: &'static str) -> Result<u32, DbError> {
    u32::try_from(number).map_err(|_| corrupt(what))
}

/// The statement of the transaction's engine.
fn by_engine(t: &Tx, sqlite: &'static str, postgres: &'static str) -> &'static str {
    match t.engine() {
        Engine::Sqlite => sqlite,
        Engine::Postgres => postgres,
    }
}

/// An id as both engines read it from JSON.
fn hex(id: Uuid) -> String {
    id.simple().to_string()
}

fn hexes(products: &[ProductId]) -> Vec<String> {
    products.iter().map(|product| hex(product.uuid())).collect()
}

/// A line of a reservation or of a return, as it travels to the database.
#[derive(Serialize)]
struct LineRow {
    p: String,
    q: u32,
}

fn line_rows(lines: &[ReserveLine]) -> Vec<LineRow> {
    lines.iter().map(|line| LineRow { p: hex(line.product.uuid()), q: line.quantity }).collect()
}

/// A line as it comes back.
fn line((product, quantity): (Uuid, i64)) -> Result<ReserveLine, DbError> {
    Ok(ReserveLine { product: ProductId(product), quantity: count(quantity, "the quantity")? })
}

//! The only SQL of the service, a file a noun. Functions are named by verb and scope.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: the tree of categories, the brand, the
//! product.

pub mod brand;
pub mod category;
pub mod price;
pub mod product;
pub mod product_list;
pub mod search;

use chassis::db::{DbError, Engine, ViolationKind, violated};
use contract::money::{Currency, Money};
use sqlx::types::Json;
use uuid::Uuid;

/// A row holds a text that no version of this service wrote.
fn corrupt(what: &'static str) -> DbError {
    DbError::Decode(format!("{what} of a row is none that is known").into())
}

/// An amount as two columns have it.
fn money(amount: i64, currency: &str) -> Result<Money, DbError> {
    let currency = Currency::parse(currency).ok_or_else(|| corrupt("the currency"))?;
    Ok(Money::new(amount, currency))
}

/// The identifiers of a statement's parameter, which is a JSON list of them.
const fn in_list(engine: Engine) -> &'static str {
    match engine {
        Engine::Sqlite => "IN (SELECT unhex(replace(value, '-', '')) FROM json_each($1))",
        Engine::Postgres => "IN (SELECT CAST(value AS UUID) FROM jsonb_array_elements_text($1))",
    }
}

/// The parameter of [`in_list`].
fn list(ids: impl IntoIterator<Item = Uuid>) -> Json<Vec<Uuid>> {
    Json(ids.into_iter().collect())
}

/// Whether a statement failed because another row has what this unique index is of.
#[must_use]
pub fn is_taken(error: &DbError, index: &str) -> bool {
    violated(error).is_some_and(|violation| violation.is_unique(index))
}

/// Whether a statement failed because the row that it refers to, or that refers to it, says no.
#[must_use]
pub fn is_reference(error: &DbError) -> bool {
    violated(error).is_some_and(|violation| violation.kind == ViolationKind::ForeignKey)
}

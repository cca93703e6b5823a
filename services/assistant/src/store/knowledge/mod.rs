//! Knowledge bases, their documents, and the passages that are searched.
//!
//! Locks are taken in one order, so that no two transactions wait for each other: what somebody has, the knowledge base.

pub mod base;
pub mod document;
pub mod passage;

use chassis::db::Engine;
use sqlx::types::Json;
use uuid::Uuid;

/// The identifiers of a statement's parameter `$1`, which is a JSON list of them.
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

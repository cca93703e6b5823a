//! Full text of products: what [`chassis::db::search`] asks for, of the columns that they have.

use chassis::db::Engine;

/// The column of the words of a name on SQLite, and their weight on PostgreSQL.
pub(super) const NAME: (&str, char) = ("name_words", 'A');

/// The condition that a row is found by the query in the parameter `parameter`.
pub(super) fn matches(engine: Engine, parameter: &str) -> String {
    match engine {
        Engine::Sqlite => {
            format!("p.seq IN (SELECT rowid FROM product_search WHERE product_search MATCH {parameter})")
        }
        Engine::Postgres => format!("p.search @@ CAST({parameter} AS TSQUERY)"),
    }
}

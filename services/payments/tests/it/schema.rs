//! The two folders of migrations make the same tables.

use crate::support::{Bench, Kind};
use chassis::db::q;
use testkit::Engine;

const ON_SQLITE: &str = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, c.name";
const ON_POSTGRES: &str = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) \
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"";
const INDEXES_ON_SQLITE: &str =
    "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
const INDEXES_ON_POSTGRES: &str = "SELECT CAST(indexname AS TEXT), CAST(tablename AS TEXT) FROM pg_indexes \
    WHERE schemaname = 'public' AND indexname NOT LIKE '%!_pkey' ESCAPE '!' ORDER BY indexname COLLATE \"C\"";

async fn rows(engine: Engine, sql: &'static str) -> Option<Vec<(String, String)>> {
    let service = Bench::start(engine, Kind::Sandbox).await?.service;
    let db = service.db("payments");
    let rows: Vec<(String, String)> = q!(db.read, fetch_all, sql).unwrap();
    // The record of migrations is the database library's own.
    Some(rows.into_iter().filter(|(table, _)| !table.starts_with("_migrations")).collect())
}

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    let Some(postgres) = rows(Engine::Postgres, ON_POSTGRES).await else { return };
    let sqlite = rows(Engine::Sqlite, ON_SQLITE).await.unwrap();
    assert_eq!(sqlite, postgres);
    assert!(sqlite.len() > 60, "{sqlite:?}");
}

#[tokio::test]
async fn both_engines_have_the_same_indexes() {
    let Some(postgres) = rows(Engine::Postgres, INDEXES_ON_POSTGRES).await else { return };
    let sqlite = rows(Engine::Sqlite, INDEXES_ON_SQLITE).await.unwrap();
    assert_eq!(sqlite, postgres);
}

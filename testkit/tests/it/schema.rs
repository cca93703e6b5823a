//! The two folders of migrations of each service make the same tables.

use chassis::db::q;
use testkit::tiny::{Counter, Ledger};
use testkit::{Engine, Setup};

const ON_SQLITE: &str = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, c.name";
const ON_POSTGRES: &str = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) \
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"";

async fn columns(engine: Engine, name: &str, sql: &'static str) -> Option<Vec<(String, String)>> {
    let service = Setup::of::<Ledger>().and::<Counter>().start(engine).await?;
    let db = service.db(name);
    let rows: Vec<(String, String)> = q!(db.read, fetch_all, sql).unwrap();
    // The record of migrations is the database library's own.
    Some(rows.into_iter().filter(|(table, _)| !table.starts_with("_migrations")).collect())
}

#[tokio::test]
async fn both_engines_have_the_same_tables_and_columns() {
    for name in ["ledger", "counter"] {
        let Some(postgres) = columns(Engine::Postgres, name, ON_POSTGRES).await else { return };
        let sqlite = columns(Engine::Sqlite, name, ON_SQLITE).await.unwrap();
        assert_eq!(sqlite, postgres, "{name}");
        assert!(sqlite.iter().any(|(table, column)| table == "tally" && column == "gaps"), "{sqlite:?}");
    }
}

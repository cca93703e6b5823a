//! Whether the two folders of migrations of a service make the same tables.

use crate::{Databases, Folder};
use chassis::db::{CHASSIS_MIGRATIONS, DatabaseConfig, Db, q};
use chassis::service::Service;

const ON_SQLITE: &str = "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c \
    WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY m.name, c.name";
const ON_POSTGRES: &str = "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) \
    FROM information_schema.columns WHERE table_schema = 'public' ORDER BY table_name COLLATE \"C\", column_name COLLATE \"C\"";
const INDEXES_ON_SQLITE: &str =
    "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name";
const INDEXES_ON_POSTGRES: &str = "SELECT CAST(indexname AS TEXT), CAST(tablename AS TEXT) FROM pg_indexes \
    WHERE schemaname = 'public' AND indexname NOT LIKE '%!_pkey' ESCAPE '!' ORDER BY indexname COLLATE \"C\"";

/// Compares tables, columns and indexes of a service on both engines. `known` says of a table and its column, or of an
/// index and its table, that only one engine has it on purpose.
///
/// # Panics
/// When they differ, when a service has no tables of its own, and when a database cannot be had.
pub async fn is_the_same_on_both_engines<S: Service>(known: fn(&str, &str) -> bool) {
    let Some(databases) = Databases::on_postgres() else { return };
    let name = S::SPEC.name;
    let folder = Folder::new("schema").expect("a folder");
    let sqlite = open::<S>(&DatabaseConfig::default(), &folder).await;
    let url = Some(databases.url().into());
    let postgres = open::<S>(&DatabaseConfig { url, ..DatabaseConfig::default() }, &folder).await;
    for (here, there) in [(ON_SQLITE, ON_POSTGRES), (INDEXES_ON_SQLITE, INDEXES_ON_POSTGRES)] {
        let (here, there) = (rows(&sqlite, here, known).await, rows(&postgres, there, known).await);
        assert_eq!(here, there, "{name}: SQLite and PostgreSQL");
        assert!(!here.is_empty(), "{name} has tables and indexes");
    }
    sqlite.close().await;
    postgres.close().await;
}

async fn open<S: Service>(config: &DatabaseConfig, folder: &Folder) -> Db {
    let db = Db::open(config, S::SPEC.name, folder.path()).await.expect("a database");
    db.migrate("chassis", &CHASSIS_MIGRATIONS).await.expect("the chassis' tables");
    let own = S::SPEC.database.expect("a service with a database");
    db.migrate(S::SPEC.name, &own).await.expect("the service's tables");
    db
}

async fn rows(db: &Db, sql: &'static str, known: fn(&str, &str) -> bool) -> Vec<(String, String)> {
    let rows: Vec<(String, String)> = q!(db.read, fetch_all, sql).expect("the list of tables");
    // The record of migrations is the database library's own.
    rows.into_iter().filter(|(name, of)| !name.starts_with("_migrations") && !known(name, of)).collect()
}

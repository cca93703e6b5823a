use crate::engines::{Place, on_both_engines};
use chassis::db::{Applied, CHASSIS_MIGRATIONS, Db, Engine, Migrations};
use chassis::q;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::sync::Arc;
use tokio::task::JoinSet;

/// The same statements on both engines, numbered from 1.
fn migrations(statements: &[&'static str]) -> Migrations {
    let numbered = statements.iter().zip(1_i64..).map(|(sql, version)| {
        Migration::new(version, "test".into(), MigrationType::Simple, sql.into_sql_str(), false)
    });
    let leaked: &'static Migrator = Box::leak(Box::new(Migrator::with_migrations(numbered.collect())));
    Migrations { sqlite: leaked, postgres: leaked }
}

const FIRST: &str = "CREATE TABLE runs (n BIGINT); INSERT INTO runs VALUES (1)";
const SECOND: &str = "INSERT INTO runs VALUES (2)";

async fn runs(db: &Db) -> i64 {
    q!(db.read, scalar, "SELECT count(*) FROM runs").unwrap()
}

on_both_engines! {
    async fn however_many_start_at_once_each_migration_runs_once(place: Arc<Place>) {
        let migrations = migrations(&[FIRST, SECOND]);
        let mut tasks = JoinSet::new();
        for _ in 0..6 {
            let place = Arc::clone(&place);
            tasks.spawn(async move { place.open().await.migrate("test", &migrations).await.unwrap() });
        }
        let mut ran = 0;
        while let Some(applied) = tasks.join_next().await {
            let applied = applied.unwrap();
            assert_eq!(applied.version, 2);
            ran += applied.count;
        }
        assert_eq!(ran, 2);
        assert_eq!(runs(&place.open().await).await, 2);
    }

    async fn only_what_is_new_runs(place: Arc<Place>) {
        let db = place.open().await;
        let first = db.migrate("test", &migrations(&[FIRST])).await.unwrap();
        assert_eq!(first, Applied { count: 1, version: 1 });
        let second = db.migrate("test", &migrations(&[FIRST, SECOND])).await.unwrap();
        assert_eq!(second, Applied { count: 1, version: 2 });
        assert_eq!(runs(&db).await, 2);
    }

    async fn the_numbers_of_two_owners_do_not_meet(place: Arc<Place>) {
        let db = place.migrated().await;
        let applied = db.migrate("a-service", &migrations(&[FIRST])).await.unwrap();
        assert_eq!(applied, Applied { count: 1, version: 1 });
    }

    async fn a_database_that_is_newer_than_the_binary_is_refused(place: Arc<Place>) {
        let db = place.open().await;
        db.migrate("test", &migrations(&[FIRST, SECOND])).await.unwrap();
        let refused = format!("{:#}", db.migrate("test", &migrations(&[FIRST])).await.unwrap_err());
        assert!(refused.contains("newer than this binary"), "{refused}");
    }

    async fn a_migration_that_was_changed_after_it_ran_is_refused(place: Arc<Place>) {
        let db = place.open().await;
        db.migrate("test", &migrations(&[FIRST])).await.unwrap();
        let changed = migrations(&["CREATE TABLE runs (n BIGINT, m BIGINT)", SECOND]);
        let refused = format!("{:#}", db.migrate("test", &changed).await.unwrap_err());
        assert!(refused.contains("migration 1 was changed"), "{refused}");
        assert_eq!(runs(&db).await, 1);
    }

    async fn a_migration_that_fails_leaves_nothing_behind_and_locks_nobody_out(place: Arc<Place>) {
        let db = place.open().await;
        let broken = migrations(&[FIRST, "INSERT INTO runs VALUES (2); INSERT INTO nowhere VALUES (1)"]);
        for _ in 0..2 {
            let failed = format!("{:#}", db.migrate("test", &broken).await.unwrap_err());
            assert!(failed.contains("migration 2 failed"), "{failed}");
            assert_eq!(runs(&db).await, 1);
        }
        let mended = db.migrate("test", &migrations(&[FIRST, SECOND])).await.unwrap();
        assert_eq!(mended, Applied { count: 1, version: 2 });
    }

    async fn an_owner_that_cannot_name_a_table_is_refused(place: Arc<Place>) {
        let db = place.open().await;
        db.migrate("x; DROP TABLE y", &migrations(&[FIRST])).await.unwrap_err();
    }
}

async fn columns(db: &Db) -> Vec<(String, String)> {
    let sql = match db.engine() {
        Engine::Sqlite => {
            "SELECT m.name, c.name FROM sqlite_master m JOIN pragma_table_info(m.name) c \
             WHERE m.type = 'table' AND m.name NOT LIKE '\\_%' ESCAPE '\\' AND m.name <> 'sqlite_sequence' ORDER BY 1, 2"
        }
        Engine::Postgres => {
            "SELECT CAST(table_name AS TEXT), CAST(column_name AS TEXT) FROM information_schema.columns \
             WHERE table_schema = 'public' AND table_name NOT LIKE '\\_%' ORDER BY 1, 2"
        }
    };
    q!(db.read, fetch_all, sql).unwrap()
}

#[tokio::test]
async fn both_engines_get_the_same_tables_and_columns() {
    let of_sqlite = columns(&Place::sqlite().migrated().await).await;
    assert!(of_sqlite.contains(&("mail_outbox".to_owned(), "due_at".to_owned())));
    if let Some(place) = Place::postgres() {
        place.run(async |place| assert_eq!(columns(&place.migrated().await).await, of_sqlite)).await;
    }
}

#[test]
fn both_engines_have_migrations_of_the_same_numbers_and_names() {
    let names = |migrator: &Migrator| {
        migrator
            .iter()
            .map(|migration| (migration.version, migration.description.clone()))
            .collect::<Vec<_>>()
    };
    assert_eq!(names(CHASSIS_MIGRATIONS.sqlite), names(CHASSIS_MIGRATIONS.postgres));
}

#[tokio::test]
async fn a_table_can_be_rebuilt_on_sqlite_without_losing_what_refers_to_it() {
    let place = Place::sqlite();
    let db = place.open().await;
    let made = "CREATE TABLE parents (id INTEGER PRIMARY KEY) STRICT;
        CREATE TABLE children (parent_id INTEGER NOT NULL REFERENCES parents (id) ON DELETE CASCADE) STRICT;
        INSERT INTO parents VALUES (1); INSERT INTO children VALUES (1)";
    let rebuilt = "CREATE TABLE new_parents (id INTEGER PRIMARY KEY, name TEXT) STRICT;
        INSERT INTO new_parents (id) SELECT id FROM parents; DROP TABLE parents; ALTER TABLE new_parents RENAME TO parents";
    db.migrate("test", &migrations(&[made, rebuilt])).await.unwrap();
    let children: i64 = q!(db.read, scalar, "SELECT count(*) FROM children").unwrap();
    assert_eq!(children, 1);
    let orphaned = migrations(&[made, rebuilt, "DELETE FROM parents"]);
    let refused = format!("{:#}", db.migrate("test", &orphaned).await.unwrap_err());
    assert!(refused.contains("children"), "{refused}");
}

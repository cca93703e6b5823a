//! Databases of a test's own on the PostgreSQL server of the test run.

use crate::engines;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use uuid::Uuid;

/// Databases on the PostgreSQL server that tests share, one for each service that opens one. Whoever opens them makes them;
/// they are gone when this is dropped, or a run of all tests would fill some ten gigabytes.
#[derive(Debug)]
pub struct Databases {
    server: String,
    prefix: String,
}

impl Databases {
    /// None when there is no server and it may be skipped.
    ///
    /// # Panics
    /// As [`engines::postgres_url`].
    #[must_use]
    pub fn on_postgres() -> Option<Self> {
        let prefix = format!("t{}_", Uuid::now_v7().simple());
        engines::postgres_url().map(|server| Self { server, prefix })
    }

    /// Where they are, with `{service}` in the place of the service's name.
    #[must_use]
    pub fn url(&self) -> String {
        engines::with_database(&self.server, &format!("{}{{service}}", self.prefix))
    }

    async fn remove(&self) -> Result<(), sqlx::Error> {
        const NAMES: &str =
            "SELECT CAST(datname AS TEXT) FROM pg_database WHERE starts_with(CAST(datname AS TEXT), $1)";
        let mut server = PgConnection::connect(&self.server).await?;
        let names: Vec<String> = sqlx::query_scalar(NAMES).bind(&self.prefix).fetch_all(&mut server).await?;
        for name in names {
            let drop = format!("DROP DATABASE IF EXISTS \"{name}\" WITH (FORCE)");
            server.execute(AssertSqlSafe(drop)).await?;
        }
        server.close().await
    }
}

impl Drop for Databases {
    /// On a thread of its own, for a test may be in the midst of a runtime. A server that is gone has taken them along.
    fn drop(&mut self) {
        let removed = std::thread::scope(|scope| {
            let remove = || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(self.remove()).map_err(std::io::Error::other)
            };
            scope.spawn(remove).join()
        });
        if let Ok(Err(error)) = removed {
            eprintln!("the databases {}* stay: {error}", self.prefix);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_databases_of_a_test_are_gone_after_it_also_when_they_are_in_use() {
        let Some(databases) = Databases::on_postgres() else { return };
        let (maintenance, prefix) = (databases.server.clone(), databases.prefix.clone());
        let mut server = PgConnection::connect(&maintenance).await.expect("a server");
        let mut held = Vec::new();
        for service in ["one", "two"] {
            let create = format!("CREATE DATABASE \"{prefix}{service}\"");
            server.execute(AssertSqlSafe(create)).await.expect("a database");
            let url = databases.url().replace("{service}", service);
            held.push(PgConnection::connect(&url).await.expect("a connection"));
        }
        drop(databases);
        const LEFT: &str = "SELECT count(*) FROM pg_database WHERE starts_with(CAST(datname AS TEXT), $1)";
        let left: i64 =
            sqlx::query_scalar(LEFT).bind(&prefix).fetch_one(&mut server).await.expect("a number");
        assert_eq!(left, 0);
    }
}

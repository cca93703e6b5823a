//! The one way to run a statement.

use super::DbError;

/// Runs one statement on whichever engine the database has, and awaits it.
///
/// `q!(db.read, verb, sql, bind, ...)` reads, `q!(db.write, ...)` writes in a transaction of its own, and
/// `q!(t.tx, ...)` does either inside the transaction `t`. `db` and `t` are the names of variables: a
/// [`Db`](crate::db::Db) or a reference to one, a mutable [`Tx`](crate::db::Tx) or a `&mut Tx`.
///
/// | verb | gives |
/// | --- | --- |
/// | `execute` | how many rows were touched (`u64`) |
/// | `scalar` | the first column of the one row |
/// | `fetch_one` | the one row, as a tuple or a `#[derive(sqlx::FromRow)]` struct |
/// | `fetch_optional` | the row, if there is one |
/// | `fetch_all` | all rows |
///
/// Each is a `Result<_, DbError>`. The statement is a literal (or a `concat!`, a `const`); one that is put together at
/// run time is wrapped in [`AssertSqlSafe`](crate::db::AssertSqlSafe), which says: nothing that a caller sent is part
/// of this text. Binds are written out once for each engine: pass references or `Copy` values.
///
/// A `write` waits for the end of its statement before it answers, also when it returns a row: what it reports has
/// been committed.
#[macro_export]
macro_rules! q {
    ($db:ident.read, $verb:ident, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $db.by_ref() {
            $crate::db::Db::Sqlite { read, .. } => match read.lane().await {
                Ok(mut lane) => {
                    let outcome = $crate::q!(@run lane.statement(), $verb, $sql $(, $bind)*);
                    lane.settle(outcome)
                }
                Err(error) => Err(error),
            },
            $crate::db::Db::Postgres { pool, about } => match about.admit() {
                Ok(admitted) => admitted.settle($crate::q!(@run pool, $verb, $sql $(, $bind)*)),
                Err(error) => Err(error),
            },
        }
    };
    ($db:ident.write, $verb:ident, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $db.by_ref() {
            $crate::db::Db::Sqlite { write, about, .. } => match write.lane().await {
                Ok(mut lane) => {
                    let outcome = $crate::q!(@drain lane.statement(), $verb, $sql $(, $bind)*);
                    about.wrote(&outcome);
                    lane.settle(outcome)
                }
                Err(error) => Err(error),
            },
            $crate::db::Db::Postgres { pool, about } => match about.admit() {
                Ok(admitted) => {
                    let outcome = $crate::q!(@drain pool, $verb, $sql $(, $bind)*);
                    about.wrote(&outcome);
                    admitted.settle(outcome)
                }
                Err(error) => Err(error),
            },
        }
    };
    ($t:ident.tx, $verb:ident, $sql:expr $(, $bind:expr)* $(,)?) => {
        match $t.statement() {
            Ok($crate::db::Statement::Sqlite(on)) => {
                let outcome = $crate::q!(@run on, $verb, $sql $(, $bind)*);
                $t.settle(outcome)
            }
            Ok($crate::db::Statement::Postgres(on)) => {
                let outcome = $crate::q!(@run on, $verb, $sql $(, $bind)*);
                $t.settle(outcome)
            }
            Err(error) => Err(error),
        }
    };
    (@run $on:expr, execute, $sql:expr $(, $bind:expr)*) => {
        $crate::db::sqlx::query($sql)$(.bind($bind))*.execute($on).await.map(|done| done.rows_affected())
    };
    (@run $on:expr, scalar, $sql:expr $(, $bind:expr)*) => {
        $crate::db::sqlx::query_scalar($sql)$(.bind($bind))*.fetch_one($on).await
    };
    (@run $on:expr, $verb:ident, $sql:expr $(, $bind:expr)*) => {
        $crate::db::sqlx::query_as($sql)$(.bind($bind))*.$verb($on).await
    };
    (@drain $on:expr, scalar, $sql:expr $(, $bind:expr)*) => {
        $crate::db::only($crate::db::sqlx::query_scalar($sql)$(.bind($bind))*.fetch_all($on).await)
    };
    (@drain $on:expr, fetch_one, $sql:expr $(, $bind:expr)*) => {
        $crate::db::only($crate::q!(@run $on, fetch_all, $sql $(, $bind)*))
    };
    (@drain $on:expr, fetch_optional, $sql:expr $(, $bind:expr)*) => {
        $crate::db::first($crate::q!(@run $on, fetch_all, $sql $(, $bind)*))
    };
    (@drain $on:expr, $verb:ident, $sql:expr $(, $bind:expr)*) => {
        $crate::q!(@run $on, $verb, $sql $(, $bind)*)
    };
}

/// The first of the rows; for [`q!`](crate::q).
#[doc(hidden)]
pub fn first<T>(rows: Result<Vec<T>, DbError>) -> Result<Option<T>, DbError> {
    rows.map(|rows| rows.into_iter().next())
}

/// The first of the rows, which must be there; for [`q!`](crate::q).
#[doc(hidden)]
pub fn only<T>(rows: Result<Vec<T>, DbError>) -> Result<T, DbError> {
    first(rows)?.ok_or(DbError::RowNotFound)
}

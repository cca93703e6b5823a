//! What a failed statement means: a rule of the schema that was broken, a database that is away, or a fault of ours.

use super::guard::refused_for;
use crate::error::ApiError;
use sqlx::error::{DatabaseError, ErrorKind};
use sqlx::postgres::PgDatabaseError;
use sqlx::sqlite::SqliteError;
use std::time::Duration;

/// Why a statement or a connection failed.
pub type DbError = sqlx::Error;

/// A rule of the schema that a statement would have broken, named the same on both engines.
///
/// | kind | `name` | the rule for migrations |
/// | --- | --- | --- |
/// | unique | `accounts_email_key`, `members_account_id_organization_id_key` | `CREATE UNIQUE INDEX <table>_<columns>_key ON <table> (<columns>)`, columns in the index's order; an index on an expression carries any name on both engines |
/// | primary key | `accounts_pkey` | `PRIMARY KEY`, as PostgreSQL names it by itself |
/// | check | `stock_not_negative` | `CONSTRAINT stock_not_negative CHECK (...)`: always named |
/// | not null | `accounts.email` | |
/// | foreign key | empty | SQLite does not say which, so neither do we |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which kind of rule.
    pub kind: ViolationKind,
    /// Which rule, as in the table above.
    pub name: String,
}

/// The kinds of rules that a schema has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViolationKind {
    /// The value is taken, also a primary key's.
    Unique,
    /// The row that it refers to is not there, or the row is still referred to.
    ForeignKey,
    /// A `CHECK` says no.
    Check,
    /// A value is missing.
    NotNull,
}

impl Violation {
    /// Whether it is the unique index (or primary key) of this name that said no.
    #[must_use]
    pub fn is_unique(&self, name: &str) -> bool {
        self.kind == ViolationKind::Unique && self.name == name
    }
}

/// The rule of the schema that the statement would have broken, if that is why it failed.
#[must_use]
pub fn violated(error: &DbError) -> Option<Violation> {
    let error = error.as_database_error()?;
    if let Some(postgres) = error.try_downcast_ref::<PgDatabaseError>() {
        return in_postgres(postgres);
    }
    in_sqlite(error.try_downcast_ref::<SqliteError>()?)
}

fn in_postgres(error: &PgDatabaseError) -> Option<Violation> {
    let named = || error.constraint().unwrap_or_default().to_owned();
    let (kind, name) = match error.kind() {
        ErrorKind::UniqueViolation => (ViolationKind::Unique, named()),
        ErrorKind::CheckViolation => (ViolationKind::Check, named()),
        ErrorKind::ForeignKeyViolation => (ViolationKind::ForeignKey, String::new()),
        ErrorKind::NotNullViolation => {
            let (table, column) = (error.table().unwrap_or_default(), error.column().unwrap_or_default());
            (ViolationKind::NotNull, format!("{table}.{column}"))
        }
        _ => return None,
    };
    Some(Violation { kind, name })
}

/// Extended result codes that sqlx does not sort by kind, or that it does not tell apart.
mod sqlite_code {
    pub(super) const CONSTRAINT_PRIMARYKEY: i32 = 1_555;
    pub(super) const CONSTRAINT_ROWID: i32 = 2_579;
}

fn in_sqlite(error: &SqliteError) -> Option<Violation> {
    let code = code_of(error);
    let is_primary_key = matches!(code, sqlite_code::CONSTRAINT_PRIMARYKEY | sqlite_code::CONSTRAINT_ROWID);
    // "UNIQUE constraint failed: accounts.email", "CHECK constraint failed: stock_not_negative"
    let subject = error.message().split_once(" constraint failed: ").map_or("", |(_, subject)| subject);
    let (kind, name) = match error.kind() {
        _ if is_primary_key => (ViolationKind::Unique, format!("{}_pkey", table_of(subject))),
        ErrorKind::UniqueViolation => (ViolationKind::Unique, unique_name(subject)),
        ErrorKind::CheckViolation => (ViolationKind::Check, subject.to_owned()),
        ErrorKind::ForeignKeyViolation => (ViolationKind::ForeignKey, String::new()),
        ErrorKind::NotNullViolation => (ViolationKind::NotNull, subject.to_owned()),
        _ => return None,
    };
    Some(Violation { kind, name })
}

fn table_of(subject: &str) -> &str {
    subject.split_once('.').map_or(subject, |(table, _)| table)
}

/// `members.account_id, members.role` is `members_account_id_role_key`; `index 'accounts_lower_email_key'` is that name.
fn unique_name(subject: &str) -> String {
    if let Some(index) = subject.strip_prefix("index '").and_then(|rest| rest.strip_suffix('\'')) {
        return index.to_owned();
    }
    let columns = subject.split(", ").filter_map(|column| column.split_once('.')).map(|(_, column)| column);
    let columns: Vec<&str> = columns.collect();
    format!("{}_{}_key", table_of(subject), columns.join("_"))
}

fn code_of(error: &SqliteError) -> i32 {
    error.code().and_then(|code| code.parse().ok()).unwrap_or_default()
}

/// Whether the database is away, busy or short of something, so that the same statement may well succeed later.
#[must_use]
pub fn is_unavailable(error: &DbError) -> bool {
    match error {
        DbError::Io(_) | DbError::PoolTimedOut | DbError::PoolClosed | DbError::WorkerCrashed => true,
        // A server or a proxy that hangs up before it has said a word; sqlx takes the silence for a wrong answer.
        DbError::Protocol(reason) => reason.contains("SSLRequest: 0x00"),
        DbError::Database(error) => match error.try_downcast_ref::<SqliteError>() {
            Some(sqlite) => sqlite_is_unavailable(code_of(sqlite)),
            None => error.code().is_some_and(|code| postgres_is_unavailable(&code)),
        },
        _ => false,
    }
}

/// How long a client should wait before it asks a database again that was away or busy.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Only unavailable or internal: what a missed row or a broken rule means to a client is for the store to say.
impl From<DbError> for ApiError {
    #[track_caller]
    fn from(error: DbError) -> Self {
        let retry_after = refused_for(&error).unwrap_or(RETRY_AFTER);
        if is_unavailable(&error) { Self::unavailable(error, retry_after) } else { Self::internal(error) }
    }
}

/// By the primary result code: BUSY, LOCKED, INTERRUPT (a statement over its time), IOERR, FULL, CANTOPEN.
const fn sqlite_is_unavailable(code: i32) -> bool {
    matches!(code & 0xff, 5 | 6 | 9 | 10 | 13 | 14)
}

/// By SQLSTATE: connection lost (08), out of something (53), shutting down or starting (57P..), a statement over its
/// time (57014), a lock not to be had (55P03), a deadlock or a lost race (40..), a standby that may not write (25006).
fn postgres_is_unavailable(code: &str) -> bool {
    let by_class = ["08", "53", "57P", "40"].iter().any(|class| code.starts_with(class));
    by_class || matches!(code, "57014" | "55P03" | "25006")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unique_index_is_named_by_table_and_columns() {
        assert_eq!(unique_name("accounts.email"), "accounts_email_key");
        assert_eq!(unique_name("members.account_id, members.role"), "members_account_id_role_key");
        assert_eq!(unique_name("index 'accounts_lower_email_key'"), "accounts_lower_email_key");
    }

    #[test]
    fn a_server_that_shuts_down_is_away_and_a_wrong_statement_is_not() {
        assert!(postgres_is_unavailable("57P01"));
        assert!(postgres_is_unavailable("40001"));
        assert!(!postgres_is_unavailable("42703"));
        assert!(!postgres_is_unavailable("23505"));
    }

    #[test]
    fn an_extended_code_counts_by_its_primary_code() {
        const BUSY_SNAPSHOT: i32 = 517;
        const CONSTRAINT_UNIQUE: i32 = 2_067;
        assert!(sqlite_is_unavailable(BUSY_SNAPSHOT));
        assert!(!sqlite_is_unavailable(CONSTRAINT_UNIQUE));
    }

    #[test]
    fn a_missed_row_is_not_an_absent_database() {
        assert!(!is_unavailable(&DbError::RowNotFound));
        assert!(is_unavailable(&DbError::PoolTimedOut));
        assert_eq!(ApiError::from(DbError::RowNotFound).status(), 500);
        assert_eq!(ApiError::from(DbError::PoolTimedOut).status(), 503);
    }
}

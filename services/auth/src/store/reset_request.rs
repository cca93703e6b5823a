//! Requests for a link to set a new password, waiting to be looked at.

use super::corrupt;
use crate::domain::audit::Origin;
use crate::domain::email::Email;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, Tx, q};

/// A request, as somebody typed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The address.
    pub email: Email,
    /// Where it came from.
    pub origin: Origin,
}

#[derive(sqlx::FromRow)]
struct Row {
    email: String,
    ip: Option<String>,
    correlation_id: Option<String>,
}

impl TryFrom<Row> for Request {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let email = Email::parse(&row.email).map_err(|_| corrupt("the address"))?;
        let ip = row.ip.and_then(|ip| ip.parse().ok());
        Ok(Self { email, origin: Origin { ip, correlation_id: row.correlation_id } })
    }
}

/// Adds a request; one that already waits for the same address is left alone.
///
/// # Errors
/// When the database fails.
pub async fn insert(tx: &mut Tx, email: &Email, origin: &Origin, now: Ts) -> Result<(), DbError> {
    const INSERT: &str = "INSERT INTO password_reset_requests (email, ip, correlation_id, requested_at) \
        VALUES ($1, $2, $3, $4) ON CONFLICT (email) DO NOTHING";
    let ip = origin.ip.map(|ip| ip.to_string());
    q!(tx.tx, execute, INSERT, email.as_str(), &ip, &origin.correlation_id, now)?;
    Ok(())
}

/// Takes the oldest request out, if there is one that no other worker has in hand. It is gone with the commit.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &Db, tx: &mut Tx) -> Result<Option<Request>, DbError> {
    let delete = format!(
        "DELETE FROM password_reset_requests WHERE email IN (SELECT email FROM password_reset_requests \
         ORDER BY requested_at LIMIT 1 {}) RETURNING email, ip, correlation_id",
        db.skip_locked()
    );
    let row: Option<Row> = q!(tx.tx, fetch_optional, AssertSqlSafe(delete.as_str()))?;
    row.map(Request::try_from).transpose()
}

//! Alerts as staff reads them.

use super::corrupt;
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Cursor, cut_page};
use contract::ids::AlertId;
use contract::status::{Alert, AlertChange, AlertStats, AlertStatus, ListAlerts, Severity, SeverityCounts};
use sqlx::types::Json;
use std::collections::BTreeMap;
use uuid::Uuid;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    fingerprint: String,
    name: String,
    severity: String,
    status: String,
    service: Option<String>,
    summary: Option<String>,
    description: Option<String>,
    labels: Json<BTreeMap<String, String>>,
    starts_at: Ts,
    ends_at: Option<Ts>,
    fired: i64,
    received: i64,
    first_received_at: Ts,
    last_received_at: Ts,
    changed_at: Ts,
}

impl TryFrom<Row> for Alert {
    type Error = DbError;

    fn try_from(row: Row) -> Result<Self, DbError> {
        let count = |count| u32::try_from(count).map_err(|_| corrupt("a count"));
        Ok(Self {
            id: AlertId(row.id),
            fingerprint: row.fingerprint,
            name: row.name,
            severity: Severity::parse(&row.severity).ok_or_else(|| corrupt("the severity"))?,
            status: AlertStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            service: row.service,
            summary: row.summary,
            description: row.description,
            labels: row.labels.0,
            starts_at: row.starts_at.to_datetime(),
            ends_at: row.ends_at.map(Ts::to_datetime),
            fired: count(row.fired)?,
            received: count(row.received)?,
            first_received_at: row.first_received_at.to_datetime(),
            last_received_at: row.last_received_at.to_datetime(),
            changed_at: row.changed_at.to_datetime(),
        })
    }
}

macro_rules! columns {
    () => {
        "id, fingerprint, name, severity, status, service, summary, description, labels, starts_at, ends_at, fired, \
         received, first_received_at, last_received_at, changed_at"
    };
}

/// An alert.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &Db, id: AlertId) -> Result<Option<Alert>, DbError> {
    const SELECT: &str = concat!("SELECT ", columns!(), " FROM alert WHERE id = $1");
    let row: Option<Row> = q!(db.read, fetch_optional, SELECT, id.uuid())?;
    row.map(Alert::try_from).transpose()
}

#[derive(sqlx::FromRow)]
struct ChangeRow {
    status: String,
    starts_at: Ts,
    at: Ts,
    received_at: Ts,
    expired: i64,
}

/// The newest steps of an alert, a hundred at most.
///
/// # Errors
/// When the database fails.
pub async fn history(db: &Db, id: AlertId) -> Result<Vec<AlertChange>, DbError> {
    const SELECT: &str = "SELECT status, starts_at, at, received_at, expired FROM alert_change WHERE alert_id = $1 \
        ORDER BY received_at DESC, id DESC LIMIT 100";
    let rows: Vec<ChangeRow> = q!(db.read, fetch_all, SELECT, id.uuid())?;
    let change = |row: ChangeRow| {
        Ok(AlertChange {
            status: AlertStatus::parse(&row.status).ok_or_else(|| corrupt("the status"))?,
            starts_at: row.starts_at.to_datetime(),
            at: row.at.to_datetime(),
            received_at: row.received_at.to_datetime(),
            expired: row.expired != 0,
        })
    };
    rows.into_iter().map(change).collect()
}

/// The alerts that the filter lets through, the last changed first, from behind `after`, at most as many as it says; and where
/// the page after them begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &ListAlerts,
    after: Option<Cursor>,
) -> Result<(Vec<Alert>, Option<Cursor>), DbError> {
    let mut condition = vec!["1 = 1"];
    let mut only_if = |there: bool, sql| condition.extend(there.then_some(sql));
    only_if(filter.status.is_some(), "status = $1");
    only_if(filter.severity.is_some(), "severity = $2");
    only_if(filter.service.is_some(), "service = $3");
    only_if(filter.name.is_some(), "name = $4");
    only_if(after.is_some(), "(changed_at < $5 OR (changed_at = $5 AND id < $6))");
    let select = format!(
        concat!("SELECT ", columns!(), " FROM alert WHERE {} ORDER BY changed_at DESC, id DESC LIMIT $7"),
        condition.join(" AND ")
    );
    let rows: Vec<Row> = q!(
        db.read,
        fetch_all,
        AssertSqlSafe(select.as_str()),
        filter.status.map(AlertStatus::as_str),
        filter.severity.map(Severity::as_str),
        &filter.service,
        &filter.name,
        after.map(|after| after.at),
        after.map(|after| after.id),
        // One more than is shown, which tells whether a page follows.
        i64::from(filter.limit) + 1
    )?;
    let (rows, next) = cut_page(rows, filter.limit, |last| Cursor { at: last.changed_at, id: last.id });
    Ok((rows.into_iter().map(Alert::try_from).collect::<Result<_, _>>()?, next))
}

/// How many alerts there are.
///
/// # Errors
/// When the database fails.
pub async fn stats(db: &Db) -> Result<AlertStats, DbError> {
    const COUNT: &str = "SELECT status, severity, count(*) FROM alert GROUP BY status, severity";
    let rows: Vec<(String, String, i64)> = q!(db.read, fetch_all, COUNT)?;
    let mut stats = AlertStats::default();
    for (status, severity, count) in rows {
        let count = u64::try_from(count).unwrap_or_default();
        stats.total += count;
        if AlertStatus::parse(&status) == Some(AlertStatus::Resolved) {
            stats.resolved += count;
            continue;
        }
        stats.firing += count;
        let SeverityCounts { critical, warning, info } = &mut stats.firing_by_severity;
        match Severity::parse(&severity).ok_or_else(|| corrupt("the severity"))? {
            Severity::Critical => *critical += count,
            Severity::Warning => *warning += count,
            Severity::Info => *info += count,
        }
    }
    Ok(stats)
}

//! Incidents in lists: for staff, and for everybody.

use super::incident::{Kept, Row, UpdateRow, columns};
use chassis::clock::Ts;
use chassis::db::{AssertSqlSafe, Db, DbError, q};
use chassis::http::{Cursor, cut_page};
use contract::ids::IncidentId;
use contract::status::{
    IncidentStatus, IncidentUpdate, Incidents, ListIncidents, PublicIncident, PublicUpdate,
};
use std::collections::HashMap;

/// Incidents of each kind on the public page.
const SHOWN: usize = 20;
/// Updates of an incident on the public page.
const SHOWN_UPDATES: usize = 20;

/// The incidents that the filter lets through, the last opened first, from behind `after`, at most as many as it says; and
/// where the page after them begins, if there is one.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &Db,
    filter: &ListIncidents,
    after: Option<Cursor>,
) -> Result<(Vec<Kept>, Option<Cursor>), DbError> {
    let mut condition = vec!["1 = 1"];
    if filter.status.is_some() {
        condition.push("status = $1");
    }
    match filter.open {
        Some(true) => condition.push("resolved_at IS NULL"),
        Some(false) => condition.push("resolved_at IS NOT NULL"),
        None => {}
    }
    if after.is_some() {
        condition.push("(opened_at < $2 OR (opened_at = $2 AND id < $3))");
    }
    let select = format!(
        concat!("SELECT ", columns!(), " FROM incident WHERE {} ORDER BY opened_at DESC, id DESC LIMIT $4"),
        condition.join(" AND ")
    );
    let rows: Vec<Row> = q!(
        db.read,
        fetch_all,
        AssertSqlSafe(select.as_str()),
        filter.status.map(IncidentStatus::as_str),
        after.map(|after| after.at),
        after.map(|after| after.id),
        // One more than is shown, which tells whether a page follows.
        i64::from(filter.limit) + 1
    )?;
    let (rows, next) = cut_page(rows, filter.limit, |last| Cursor { at: last.opened_at, id: last.id });
    Ok((rows.into_iter().map(Kept::try_from).collect::<Result<_, _>>()?, next))
}

/// What everybody sees: those that are open, and those that were over after `since`.
///
/// # Errors
/// When the database fails.
pub async fn public(db: &Db, since: Ts) -> Result<Incidents, DbError> {
    const OPEN: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM incident WHERE resolved_at IS NULL ORDER BY opened_at DESC, id DESC LIMIT $1"
    );
    const RECENT: &str = concat!(
        "SELECT ",
        columns!(),
        " FROM incident WHERE resolved_at >= $2 ORDER BY opened_at DESC, id DESC LIMIT $1"
    );
    const UPDATES: &str = "SELECT incident_id, status, text, at, user_id FROM incident_update WHERE incident_id IN \
        (SELECT id FROM incident WHERE resolved_at IS NULL OR resolved_at >= $1) ORDER BY at DESC, id DESC LIMIT 2000";
    let limit = i64::try_from(SHOWN).unwrap_or(i64::MAX);
    let open: Vec<Row> = q!(db.read, fetch_all, OPEN, limit)?;
    let recent: Vec<Row> = q!(db.read, fetch_all, RECENT, limit, since)?;
    let said: Vec<UpdateRow> = q!(db.read, fetch_all, UPDATES, since)?;
    let mut updates: HashMap<IncidentId, Vec<PublicUpdate>> = HashMap::new();
    for row in said {
        let of = updates.entry(IncidentId(row.incident_id)).or_default();
        if of.len() < SHOWN_UPDATES {
            // Who said it is nobody's business.
            let IncidentUpdate { status, text, at, by: _ } = row.try_into()?;
            of.push(PublicUpdate { status, text, at });
        }
    }
    let mut shown = |rows: Vec<Row>| -> Result<Vec<PublicIncident>, DbError> {
        let kept = rows.into_iter().map(Kept::try_from);
        kept.map(|kept| kept.map(|kept| public_view(kept, &mut updates))).collect()
    };
    Ok(Incidents { open: shown(open)?, recent: shown(recent)? })
}

fn public_view(kept: Kept, updates: &mut HashMap<IncidentId, Vec<PublicUpdate>>) -> PublicIncident {
    PublicIncident {
        id: kept.id,
        title: kept.title,
        impact: kept.impact,
        status: kept.status,
        services: kept.services,
        opened_at: kept.opened_at.to_datetime(),
        resolved_at: kept.resolved_at.map(Ts::to_datetime),
        updates: updates.remove(&kept.id).unwrap_or_default(),
    }
}

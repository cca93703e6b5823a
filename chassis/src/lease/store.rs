//! The statements of the leases.

use super::Held;
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Engine, Tx};
use crate::q;
use uuid::Uuid;

/// Makes rows for names that have none yet.
pub(super) async fn make(t: &mut Tx, family: &str, names: &[String], now: Ts) -> Result<(), DbError> {
    let names = serde_json::json!(names).to_string();
    let sql = match t.engine() {
        Engine::Sqlite => {
            "INSERT INTO lease (family, name, held_until) SELECT $1, value, $3 FROM json_each($2) WHERE true
             ON CONFLICT DO NOTHING"
        }
        Engine::Postgres => {
            "INSERT INTO lease (family, name, held_until)
             SELECT $1, value, $3 FROM json_array_elements_text(CAST($2 AS JSON)) AS listed(value) ORDER BY value
             ON CONFLICT DO NOTHING"
        }
    };
    q!(t.tx, execute, sql, family, &names, now).map(|_| ())
}

/// Says that a process is alive, forgets those that are not, and counts.
pub(super) async fn join(t: &mut Tx, family: &str, owner: Uuid, now: Ts, until: Ts) -> Result<i64, DbError> {
    let alive = "INSERT INTO lease_member (family, owner, alive_until) VALUES ($1, $2, $3)
                 ON CONFLICT (family, owner) DO UPDATE SET alive_until = excluded.alive_until";
    q!(t.tx, execute, alive, family, owner, until)?;
    q!(t.tx, execute, "DELETE FROM lease_member WHERE family = $1 AND alive_until < $2", family, now)?;
    q!(t.tx, scalar, "SELECT count(*) FROM lease_member WHERE family = $1", family)
}

/// Renews what is still its own, also when it had run out and nobody took it. Says how many that are.
pub(super) async fn renew(t: &mut Tx, family: &str, owner: Uuid, until: Ts) -> Result<i64, DbError> {
    let sql = "UPDATE lease SET held_until = $3 WHERE family = $1 AND owner = $2";
    let renewed = q!(t.tx, execute, sql, family, owner, until)?;
    Ok(i64::try_from(renewed).unwrap_or(i64::MAX))
}

/// Takes up to `count` leases that nobody holds or whose time has run out.
pub(super) async fn take(
    t: &mut Tx,
    family: &str,
    owner: Uuid,
    now: Ts,
    until: Ts,
    count: i64,
) -> Result<(), DbError> {
    let sql = format!(
        "UPDATE lease SET owner = $2, fence = fence + 1, held_until = $4
         WHERE family = $1 AND name IN (
             SELECT name FROM lease WHERE family = $1 AND (owner IS NULL OR held_until < $3) ORDER BY name LIMIT $5 {})",
        t.skip_locked()
    );
    q!(t.tx, execute, AssertSqlSafe(sql), family, owner, now, until, count).map(|_| ())
}

/// Gives up `count` of its leases.
pub(super) async fn give_up(
    t: &mut Tx,
    family: &str,
    owner: Uuid,
    now: Ts,
    count: i64,
) -> Result<(), DbError> {
    let sql = "UPDATE lease SET owner = NULL, held_until = $3 WHERE family = $1 AND name IN (
                   SELECT name FROM lease WHERE family = $1 AND owner = $2 ORDER BY name LIMIT $4)";
    q!(t.tx, execute, sql, family, owner, now, count).map(|_| ())
}

/// What it holds: names and fences.
pub(super) async fn held(t: &mut Tx, family: &str, owner: Uuid) -> Result<Vec<(String, i64)>, DbError> {
    q!(
        t.tx,
        fetch_all,
        "SELECT name, fence FROM lease WHERE family = $1 AND owner = $2 ORDER BY name",
        family,
        owner
    )
}

/// Whether it is still held; touches the row, so that whoever wants to take it waits for the end of the transaction.
pub(super) async fn confirm(t: &mut Tx, held: &Held) -> Result<bool, DbError> {
    let sql = "UPDATE lease SET fence = fence WHERE family = $1 AND name = $2 AND owner = $3 AND fence = $4";
    let touched = q!(t.tx, execute, sql, held.family, &held.name, held.owner, held.fence)?;
    Ok(touched == 1)
}

/// Lets everything of an owner go.
pub(super) async fn leave(db: &Db, family: &str, owner: Uuid, now: Ts) -> Result<(), DbError> {
    let mut t = db.begin().await?;
    let free = "UPDATE lease SET owner = NULL, held_until = $3 WHERE family = $1 AND owner = $2";
    q!(t.tx, execute, free, family, owner, now)?;
    q!(t.tx, execute, "DELETE FROM lease_member WHERE family = $1 AND owner = $2", family, owner)?;
    t.commit().await
}

//! Sagas in the database. Every change by an owner is conditional on the fence and on the number of moves that it has
//! seen: whoever was replaced, or does not know whether its last change was committed, changes nothing.

use super::machine::{Phase, Plan, State};
use super::record::{SagaRecord, StepRecord};
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Engine, Tx};
use crate::q;
use serde_json::Value;
use sqlx::types::Json;
use std::sync::Arc;
use uuid::Uuid;

const COLUMNS: &str = "id, name, version, plan, state, back, step, done, unsure, attempts, params, memory, failure, \
     stuck_reason, last_error, fence, moves, owner, due_at, deadline_at, traceparent, correlation_id, created_at, updated_at";

/// What a start writes.
pub(super) struct New<'a> {
    pub(super) id: Uuid,
    pub(super) name: &'a str,
    pub(super) version: u32,
    pub(super) plan: &'a str,
    pub(super) step: &'a str,
    pub(super) params: &'a Value,
    pub(super) deadline: Option<Ts>,
    pub(super) traceparent: Option<&'a str>,
    pub(super) correlation_id: Option<&'a str>,
    pub(super) now: Ts,
}

/// Says whether it is new.
pub(super) async fn insert(t: &mut Tx, new: &New<'_>) -> Result<bool, DbError> {
    let sql = "INSERT INTO saga (id, name, version, plan, state, step, params, memory, due_at, deadline_at, traceparent,
                   correlation_id, created_at, updated_at)
               VALUES ($1, $2, $3, $4, 'running', $5, $6, $7, $8, $9, $10, $11, $8, $8)
               ON CONFLICT (id) DO NOTHING";
    let (version, params, memory) = (i64::from(new.version), Json(new.params), Json(Value::Null));
    q!(
        t.tx,
        execute,
        sql,
        new.id,
        new.name,
        version,
        new.plan,
        new.step,
        &params,
        &memory,
        new.now,
        new.deadline,
        new.traceparent,
        new.correlation_id
    )
    .map(|touched| touched == 1)
}

pub(super) async fn find(db: &Db, id: Uuid) -> Result<Option<SagaRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM saga WHERE id = $1");
    q!(db.read, fetch_optional, AssertSqlSafe(sql), id)
}

pub(super) async fn find_in(t: &mut Tx, id: Uuid) -> Result<Option<SagaRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM saga WHERE id = $1");
    q!(t.tx, fetch_optional, AssertSqlSafe(sql), id)
}

pub(super) async fn log(db: &Db, id: Uuid) -> Result<Vec<StepRecord>, DbError> {
    let sql = "SELECT seq, step, action, outcome, attempt, error, started_at, ended_at FROM saga_step
               WHERE saga_id = $1 ORDER BY seq";
    q!(db.read, fetch_all, sql, id)
}

/// Whether one of this flow is due. Costs no write lock.
pub(super) async fn is_due(db: &Db, name: &str, version: u32, now: Ts) -> Result<bool, DbError> {
    let version = i64::from(version);
    q!(db.read, scalar, IS_DUE, name, version, now)
}

const IS_DUE: &str = "SELECT EXISTS (SELECT 1 FROM saga WHERE name = $1 AND version = $2 \
     AND state IN ('running', 'compensating') AND due_at <= $3)";

/// Who takes sagas, of which flow, until when, and how many at most.
#[derive(Debug, Clone, Copy)]
pub(super) struct Claim {
    pub(super) name: &'static str,
    pub(super) version: u32,
    pub(super) owner: Uuid,
    pub(super) now: Ts,
    pub(super) lease: Ts,
    pub(super) most: i64,
}

/// What the claim looks for; also asked by a test for its plan.
#[doc(hidden)]
pub const DUE: &str = "SELECT id FROM saga WHERE name = $1 AND version = $2 \
     AND state IN ('running', 'compensating') AND due_at <= $3 ORDER BY due_at LIMIT $4";

/// Takes those that have been due for longest. One that an owner has lost, rather than given back, is marked unsure.
pub(super) async fn claim(db: &Db, claim: Claim) -> Result<Vec<SagaRecord>, DbError> {
    let sql = format!(
        "UPDATE saga SET unsure = (unsure OR owner IS NOT NULL), owner = $5, fence = fence + 1, due_at = $6
         WHERE id IN ({DUE} {}) RETURNING {COLUMNS}",
        db.skip_locked()
    );
    let Claim { name, owner, now, lease, most, .. } = claim;
    let version = i64::from(claim.version);
    match db.engine() {
        Engine::Postgres => {
            q!(db.write, fetch_all, AssertSqlSafe(sql), name, version, now, most, owner, lease)
        }
        Engine::Sqlite => {
            let job = db.group(move |t| {
                let sql = sql.clone();
                Box::pin(async move {
                    q!(t.tx, fetch_all, AssertSqlSafe(sql), name, version, now, most, owner, lease)
                })
            });
            job.await
        }
    }
}

/// Has a saga for longer. False when another has it by now.
pub(super) async fn extend(db: &Db, id: Uuid, fence: i64, until: Ts) -> Result<bool, DbError> {
    let sql = "UPDATE saga SET due_at = $3 WHERE id = $1 AND fence = $2 AND owner IS NOT NULL";
    q!(db.write, execute, sql, id, fence, until).map(|touched| touched == 1)
}

/// What an owner has seen of a saga, and what it makes of it.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) id: Uuid,
    pub(super) fence: i64,
    pub(super) moves: i64,
    pub(super) phase: Phase,
    pub(super) back: bool,
    pub(super) step: String,
    pub(super) done: String,
    pub(super) unsure: bool,
    pub(super) attempts: i64,
    pub(super) params: Option<Value>,
    pub(super) memory: Value,
    pub(super) failure: Option<String>,
    pub(super) stuck_reason: Option<String>,
    pub(super) last_error: Option<String>,
    /// Who has it from now on.
    pub(super) owner: Option<Uuid>,
    pub(super) due: Ts,
    pub(super) now: Ts,
    /// An operator takes the saga from whoever has it.
    pub(super) takes: bool,
    pub(super) log: Option<Line>,
}

/// A line of the log.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) step: String,
    pub(super) action: &'static str,
    pub(super) outcome: &'static str,
    pub(super) attempt: i64,
    pub(super) error: Option<String>,
    pub(super) started: Ts,
}

impl Change {
    /// A change to this state that says nothing else yet.
    pub(super) fn of(record: &SagaRecord, plan: &Plan, state: &State, now: Ts) -> Self {
        let name = |at: &usize| plan.steps.get(*at).map_or("", |step| step.name.as_str());
        Self {
            id: record.id,
            fence: record.fence,
            moves: record.moves,
            phase: state.phase,
            back: state.back,
            step: name(&state.at).to_owned(),
            done: state.done.iter().map(name).collect::<Vec<_>>().join(" "),
            unsure: state.unsure,
            attempts: i64::from(state.attempts),
            params: None,
            memory: record.memory.clone(),
            failure: record.failure.clone(),
            stuck_reason: None,
            last_error: None,
            owner: record.owner,
            due: record.due_at,
            now,
            takes: false,
            log: None,
        }
    }

    /// The record as it is once the change is made.
    pub(super) fn apply(self, record: &mut SagaRecord) {
        record.state = self.phase;
        (record.back, record.step, record.done) = (self.back, self.step, self.done);
        (record.unsure, record.attempts, record.memory) = (self.unsure, self.attempts, self.memory);
        (record.failure, record.stuck_reason, record.last_error) =
            (self.failure, self.stuck_reason, self.last_error);
        (record.owner, record.due_at, record.updated_at) = (self.owner, self.due, self.now);
        record.moves += 1;
    }
}

// A saga that was nudged while its owner worked on it is due at once when that gives it back.
macro_rules! move_sql {
    () => {
        "UPDATE saga SET state = $4, back = $5, step = $6, done = $7, unsure = $8, attempts = $9, \
             params = COALESCE($10, params), memory = $11, failure = $12, stuck_reason = $13, last_error = $14, \
             owner = $15, due_at = CASE WHEN nudged AND $19 THEN $17 ELSE $16 END, nudged = FALSE, updated_at = $17, \
             fence = fence + $18, moves = moves + 1 \
         WHERE id = $1 AND fence = $2 AND moves = $3"
    };
}

macro_rules! log_sql {
    () => {
        "INSERT INTO saga_step (saga_id, seq, step, action, outcome, attempt, error, started_at, ended_at) "
    };
}

const MOVE: &str = move_sql!();
/// PostgreSQL does both in one round trip.
const MOVE_AND_LOG: &str = concat!(
    "WITH moved AS (",
    move_sql!(),
    " RETURNING id) ",
    log_sql!(),
    "SELECT id, $3, $20, $21, $22, $23, $24, $25, $17 FROM moved"
);
const LOG: &str = concat!(log_sql!(), "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");

macro_rules! moved {
    ($on:ident.$how:ident, $sql:expr, $change:ident $(, $bind:expr)*) => {
        q!(
            $on.$how,
            execute,
            $sql,
            $change.id,
            $change.fence,
            $change.moves,
            $change.phase.as_str(),
            $change.back,
            &$change.step,
            &$change.done,
            $change.unsure,
            $change.attempts,
            $change.params.as_ref().map(Json),
            Json(&$change.memory),
            $change.failure.as_deref(),
            $change.stuck_reason.as_deref(),
            $change.last_error.as_deref(),
            $change.owner,
            $change.due,
            $change.now,
            i64::from($change.takes),
            $change.owner.is_none()
            $(, $bind)*
        )
        .map(|touched| touched == 1)
    };
    ($on:ident.$how:ident, $change:ident, with $line:ident) => {
        moved!(
            $on.$how,
            MOVE_AND_LOG,
            $change,
            &$line.step,
            $line.action,
            $line.outcome,
            $line.attempt,
            $line.error.as_deref(),
            $line.started
        )
    };
}

/// Makes a change with its line of the log. False when somebody else has changed the saga meanwhile.
pub(super) async fn change_in(t: &mut Tx, change: &Change) -> Result<bool, DbError> {
    let Some(line) = &change.log else { return moved!(t.tx, MOVE, change) };
    if t.engine() == Engine::Postgres {
        return moved!(t.tx, change, with line);
    }
    let moved = moved!(t.tx, MOVE, change)?;
    if moved {
        q!(
            t.tx,
            execute,
            LOG,
            change.id,
            change.moves,
            &line.step,
            line.action,
            line.outcome,
            line.attempt,
            line.error.as_deref(),
            line.started,
            change.now
        )?;
    }
    Ok(moved)
}

/// The same in a transaction of its own, or in one that it shares with others.
pub(super) async fn change(db: &Db, change: &Change) -> Result<bool, DbError> {
    match (db.engine(), &change.log) {
        (Engine::Postgres, Some(line)) => moved!(db.write, change, with line),
        (Engine::Postgres, None) => moved!(db.write, MOVE, change),
        (Engine::Sqlite, _) => {
            let change = Arc::new(change.clone());
            let job = db.group(move |t| {
                let change = Arc::clone(&change);
                Box::pin(async move { change_in(t, &change).await })
            });
            job.await
        }
    }
}

/// Makes a saga that waits go on at once, and one that is worked on be looked at again when that is over.
pub(super) async fn nudge(t: &mut Tx, id: Uuid, now: Ts) -> Result<bool, DbError> {
    let sql = "UPDATE saga SET nudged = (owner IS NOT NULL), due_at = CASE WHEN owner IS NULL AND due_at > $2 THEN $2 ELSE due_at END
               WHERE id = $1 AND state IN ('running', 'compensating')";
    q!(t.tx, execute, sql, id, now).map(|touched| touched == 1)
}

/// Lets another go on with a saga from `due` on. False when another has it already.
pub(super) async fn give_back(db: &Db, record: &SagaRecord, due: Ts) -> Result<bool, DbError> {
    let sql = "UPDATE saga SET owner = NULL, due_at = $4 WHERE id = $1 AND fence = $2 AND owner = $3";
    q!(db.write, execute, sql, record.id, record.fence, record.owner, due).map(|touched| touched == 1)
}

/// A saga that this release cannot read.
pub(super) async fn mark_stuck(db: &Db, record: &SagaRecord, reason: &str, now: Ts) -> Result<(), DbError> {
    let sql =
        "UPDATE saga SET state = 'stuck', stuck_reason = $4, owner = NULL, updated_at = $5, moves = moves + 1
               WHERE id = $1 AND fence = $2 AND owner = $3";
    q!(db.write, execute, sql, record.id, record.fence, record.owner, reason, now).map(|_| ())
}

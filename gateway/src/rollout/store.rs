//! The statements of roll-outs. A change of state or step says which version it changes, so of several replicas that decide at
//! the same time one does.

use super::judge::Seen;
use super::live::Key;
use chassis::clock::Ts;
use chassis::db::{Db, DbError, q};
use std::time::Duration;
use uuid::Uuid;

/// Roll-outs that are read at most.
const MOST: i64 = 10_000;
/// How long one is remembered that the file has no more.
const KEPT: Duration = Duration::from_secs(30 * 86_400);

macro_rules! columns {
    () => {
        "route, target, generation, version, state, step, since, reason, changed_by, stable_requests, stable_errors, \
         stable_slow, canary_requests, canary_errors, canary_slow"
    };
}

/// How it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    /// It goes on by itself.
    Advancing,
    /// It stays on its step until somebody decides.
    Held,
    /// Everybody is on the stable side, until the file says another roll-out.
    Back,
    /// It has gone through all steps.
    Done,
}

impl State {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Advancing => "advancing",
            Self::Held => "held",
            Self::Back => "back",
            Self::Done => "done",
        }
    }
}

impl TryFrom<String> for State {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let all = [Self::Advancing, Self::Held, Self::Back, Self::Done];
        all.into_iter().find(|state| state.as_str() == text).ok_or_else(|| format!("`{text}` is no state"))
    }
}

/// A roll-out as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    route: String,
    target: String,
    generation: i64,
    pub(super) version: i64,
    #[sqlx(try_from = "String")]
    pub(super) state: State,
    step: i64,
    pub(super) since: Ts,
    pub(super) reason: Option<String>,
    pub(super) changed_by: Option<Uuid>,
    stable_requests: i64,
    stable_errors: i64,
    stable_slow: i64,
    canary_requests: i64,
    canary_errors: i64,
    canary_slow: i64,
}

impl Row {
    pub(super) fn is(&self, key: &Key) -> bool {
        *self.route == *key.route
            && *self.target == *key.target
            && self.generation == i64::from(key.generation)
    }

    /// One that has just begun.
    #[cfg(test)]
    pub(super) fn begun(key: &Key) -> Self {
        Self {
            route: key.route.to_string(),
            target: key.target.to_string(),
            generation: i64::from(key.generation),
            version: 1,
            state: State::Advancing,
            step: 0,
            since: Ts::from_secs(0),
            reason: None,
            changed_by: None,
            stable_requests: 0,
            stable_errors: 0,
            stable_slow: 0,
            canary_requests: 0,
            canary_errors: 0,
            canary_slow: 0,
        }
    }

    pub(super) fn step(&self) -> usize {
        usize::try_from(self.step).unwrap_or_default()
    }

    pub(super) fn stable(&self) -> Seen {
        seen(self.stable_requests, self.stable_errors, self.stable_slow)
    }

    pub(super) fn canary(&self) -> Seen {
        seen(self.canary_requests, self.canary_errors, self.canary_slow)
    }
}

fn seen(requests: i64, errors: i64, slow: i64) -> Seen {
    let count = |count| u64::try_from(count).unwrap_or_default();
    Seen { requests: count(requests), errors: count(errors), slow: count(slow) }
}

fn count(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// What follows on a version.
#[derive(Debug)]
pub(super) struct Change<'a> {
    pub(super) state: State,
    pub(super) step: usize,
    pub(super) reason: &'a str,
    pub(super) by: Option<Uuid>,
}

/// All that are known, the ones that changed last first.
pub(super) async fn all(db: &Db) -> Result<Vec<Row>, DbError> {
    q!(db.read, fetch_all, concat!("SELECT ", columns!(), " FROM rollout ORDER BY since DESC LIMIT $1"), MOST)
}

/// Begins a roll-out, unless another replica has, and forgets what its route had a month ago.
pub(super) async fn begin(db: &Db, key: &Key, now: Ts) -> Result<(), DbError> {
    const BEGIN: &str = "INSERT INTO rollout (route, target, generation, version, state, step, since, stable_requests, \
        stable_errors, stable_slow, canary_requests, canary_errors, canary_slow) \
        VALUES ($1, $2, $3, 1, 'advancing', 0, $4, 0, 0, 0, 0, 0, 0) ON CONFLICT DO NOTHING";
    const FORGET: &str =
        "DELETE FROM rollout WHERE route = $1 AND since < $4 AND NOT (target = $2 AND generation = $3)";
    let (route, target, generation) = (&*key.route, &*key.target, i64::from(key.generation));
    let mut t = db.begin().await?;
    q!(t.tx, execute, FORGET, route, target, generation, now - KEPT)?;
    q!(t.tx, execute, BEGIN, route, target, generation, now)?;
    t.commit().await
}

/// Adds what was seen in a version of it.
pub(super) async fn add(
    db: &Db,
    key: &Key,
    version: i64,
    (stable, canary): (Seen, Seen),
) -> Result<(), DbError> {
    const ADD: &str = "UPDATE rollout SET stable_requests = stable_requests + $5, stable_errors = stable_errors + $6, \
        stable_slow = stable_slow + $7, canary_requests = canary_requests + $8, canary_errors = canary_errors + $9, \
        canary_slow = canary_slow + $10 WHERE route = $1 AND target = $2 AND generation = $3 AND version = $4";
    q!(
        db.write,
        execute,
        ADD,
        &*key.route,
        &*key.target,
        i64::from(key.generation),
        version,
        count(stable.requests),
        count(stable.errors),
        count(stable.slow),
        count(canary.requests),
        count(canary.errors),
        count(canary.slow)
    )
    .map(drop)
}

/// Changes it, if this version is still the last, and says how it stands then. Counting begins anew.
pub(super) async fn change(
    db: &Db,
    key: &Key,
    version: i64,
    to: &Change<'_>,
    now: Ts,
) -> Result<Option<Row>, DbError> {
    const CHANGE: &str = concat!(
        "UPDATE rollout SET version = version + 1, state = $5, step = $6, since = $7, reason = $8, changed_by = $9, \
         stable_requests = 0, stable_errors = 0, stable_slow = 0, canary_requests = 0, canary_errors = 0, canary_slow = 0 \
         WHERE route = $1 AND target = $2 AND generation = $3 AND version = $4 RETURNING ",
        columns!()
    );
    q!(
        db.write,
        fetch_optional,
        CHANGE,
        &*key.route,
        &*key.target,
        i64::from(key.generation),
        version,
        to.state.as_str(),
        i64::try_from(to.step).unwrap_or_default(),
        now,
        to.reason,
        to.by
    )
}

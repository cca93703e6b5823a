//! Dead letters: events that were given up, for a person to look at, mend and send through again.

use super::dead_store;
use crate::clock::{Clock, Ts};
use crate::db::{Db, DbError};
use crate::operator::{self, Operator};
use contract::event::{CloudEvent, EnvelopeError};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::to_raw_value;

/// The dead letters of one service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct DeadLetters {
    db: Db,
    clock: Clock,
}

/// An event that was given up.
#[derive(Debug, Clone, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetter {
    /// Its number, by which it is named.
    pub seq: i64,
    /// The subscription that gave it up.
    pub handler: String,
    /// The event's id.
    pub event_id: uuid::Uuid,
    /// The event's type, without its version.
    pub kind: String,
    /// The aggregate it is about.
    pub event_key: String,
    /// Why it was given up, in short; what tells causes apart.
    pub cause: Option<String>,
    /// How often it was tried.
    pub attempts: i64,
    /// The last tries: when, and the whole chain of errors.
    #[sqlx(json)]
    pub failures: Value,
    /// When it was received.
    pub received_at: Ts,
    /// When it was given up.
    pub ended_at: Option<Ts>,
    /// The event as it came.
    pub body: String,
}

/// Which of them.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this subscription.
    pub handler: Option<String>,
    /// Whose cause begins with this.
    pub cause: Option<String>,
}

/// Why a dead letter was not replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// There is no such dead letter (any more).
    #[error("there is no dead letter {0}")]
    Absent(i64),
    /// The new content does not fit into the event.
    #[error("the event cannot be edited: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The new content is not JSON.
    #[error("the new data is not JSON: {0}")]
    Data(serde_json::Error),
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl DeadLetters {
    /// Those in `db`.
    #[must_use]
    pub fn new(db: Db, clock: Clock) -> Self {
        Self { db, clock }
    }

    /// The newest, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, filter: &Filter, limit: u32) -> Result<(Vec<DeadLetter>, u64), DbError> {
        dead_store::list(&self.db, filter, limit).await
    }

    /// How many there are of each subscription and cause, the most first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn causes(&self) -> Result<Vec<(String, String, i64)>, DbError> {
        dead_store::causes(&self.db).await
    }

    /// One of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, seq: i64) -> Result<Option<DeadLetter>, DbError> {
        dead_store::find(&self.db, seq).await
    }

    /// Has one handled again, from its first attempt.
    ///
    /// # Errors
    /// When there is none, or the database fails.
    pub async fn replay(&self, seq: i64, operator: &Operator) -> Result<(), ReplayError> {
        self.again(seq, None, operator).await
    }

    /// Has one handled again with other content; what stood there before is kept in the operator's log.
    ///
    /// # Errors
    /// When there is none, when the content is not JSON, or the database fails.
    pub async fn edit_and_replay(
        &self,
        seq: i64,
        data: &str,
        operator: &Operator,
    ) -> Result<(), ReplayError> {
        let data: Value = serde_json::from_str(data).map_err(ReplayError::Data)?;
        self.again(seq, Some(data), operator).await
    }

    /// Has all that fit the filter handled again; says how many. One line in the operator's log stands for all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn replay_many(&self, filter: &Filter, operator: &Operator) -> Result<u64, DbError> {
        let now = self.clock.now();
        let mut t = self.db.begin().await?;
        let count = dead_store::revive_many(&mut t, filter, now).await?;
        let detail = serde_json::json!({"count": count, "handler": filter.handler, "cause": filter.cause});
        operator::note(&mut t, &self.clock, operator, "event.replay_many", self.db.service(), detail).await?;
        t.commit().await?;
        Ok(count)
    }

    async fn again(&self, seq: i64, data: Option<Value>, operator: &Operator) -> Result<(), ReplayError> {
        let letter = self.find(seq).await?.ok_or(ReplayError::Absent(seq))?;
        let body = data.as_ref().map(|data| with_data(&letter.body, data)).transpose()?;
        let action = if body.is_some() { "event.edit_and_replay" } else { "event.replay" };
        let mut detail = serde_json::json!({
            "event": letter.event_id, "handler": letter.handler, "cause": letter.cause, "attempts": letter.attempts,
        });
        if body.is_some() {
            detail["before"] = Value::from(letter.body.as_str());
        }
        let mut t = self.db.begin().await?;
        let new = body.as_deref().unwrap_or(&letter.body);
        if !dead_store::revive(&mut t, seq, &letter.body, new, self.clock.now()).await? {
            t.rollback().await?;
            return Err(ReplayError::Absent(seq));
        }
        let subject = letter.event_id.to_string();
        operator::note(&mut t, &self.clock, operator, action, &subject, detail).await?;
        t.commit().await?;
        Ok(())
    }
}

fn with_data(body: &str, data: &Value) -> Result<String, ReplayError> {
    let mut envelope = CloudEvent::from_json(body.as_bytes())?;
    envelope.data = to_raw_value(data).map_err(ReplayError::Data)?;
    let json = envelope.to_json()?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

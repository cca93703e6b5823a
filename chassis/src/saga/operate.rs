//! What a person may do to a saga. Each deed and its line in the audit log commit together.

use super::Sagas;
use super::machine::{Event, Phase, Plan};
use super::record::{OperateError, SagaRecord};
use super::store::{self, Change, Line};
use crate::operator::{Operator, note};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// New values for what a saga's steps read. What is `None` stays as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Edit {
    /// What it was started with.
    pub params: Option<Value>,
    /// What its steps have noted.
    pub memory: Option<Value>,
}

impl Sagas {
    /// Tries the action in hand again, with all its tries.
    ///
    /// # Errors
    /// When there is no such saga, when it has ended, when it went on in the same moment, when the database fails.
    pub async fn retry(&self, operator: &Operator, id: Uuid) -> Result<SagaRecord, OperateError> {
        self.operate(operator, id, Some(Event::Retry), "saga.retry", Edit::default()).await
    }

    /// Takes the action in hand for done: the operator has taken care of it. A step that may have taken effect is undone
    /// with the others, should the saga turn back later.
    ///
    /// # Errors
    /// As [`Sagas::retry`].
    pub async fn skip(&self, operator: &Operator, id: Uuid) -> Result<SagaRecord, OperateError> {
        self.operate(operator, id, Some(Event::Skip), "saga.skip", Edit::default()).await
    }

    /// Turns a saga back.
    ///
    /// # Errors
    /// As [`Sagas::retry`]; when it is turned back already, and when it has passed its point of no return.
    pub async fn compensate(&self, operator: &Operator, id: Uuid) -> Result<SagaRecord, OperateError> {
        self.operate(operator, id, Some(Event::Compensate), "saga.compensate", Edit::default()).await
    }

    /// Changes what its steps read. A stuck saga stays stuck until it is retried, skipped or compensated.
    ///
    /// # Errors
    /// As [`Sagas::retry`].
    pub async fn edit(&self, operator: &Operator, id: Uuid, edit: Edit) -> Result<SagaRecord, OperateError> {
        self.operate(operator, id, None, "saga.edit", edit).await
    }

    async fn operate(
        &self,
        operator: &Operator,
        id: Uuid,
        wish: Option<Event>,
        deed: &'static str,
        edit: Edit,
    ) -> Result<SagaRecord, OperateError> {
        let (db, clock) = (&self.0.db, &self.0.clock);
        let mut t = db.begin().await?;
        let mut record = store::find_in(&mut t, id).await?.ok_or(OperateError::Missing(id))?;
        let now = clock.now();
        let change = changed(&record, wish, deed, &edit, &operator.reason, now)?;
        if !store::change_in(&mut t, &change).await? {
            t.rollback().await?;
            return Err(OperateError::Moved);
        }
        let mut detail = json!({ "before": { "state": record.state, "next": record.next() } });
        if let (Some(params), Value::Object(detail)) = (&edit.params, &mut detail) {
            detail.insert("params".to_owned(), json!({ "before": record.params, "after": params }));
        }
        if let (Some(memory), Value::Object(detail)) = (&edit.memory, &mut detail) {
            detail.insert("memory".to_owned(), json!({ "before": record.memory, "after": memory }));
        }
        note(&mut t, clock, operator, deed, &id.to_string(), detail).await?;
        let committed = Arc::clone(&self.0.committed);
        t.after_commit(move || committed.notify_one());
        t.commit().await?;
        tracing::warn!(saga = record.name, saga_id = %id, who = operator.who, reason = operator.reason, deed, "a person interferes");
        record.fence += 1;
        if let Some(params) = edit.params {
            record.params = params;
        }
        change.apply(&mut record);
        Ok(record)
    }
}

fn changed(
    record: &SagaRecord,
    wish: Option<Event>,
    deed: &'static str,
    edit: &Edit,
    reason: &str,
    now: crate::clock::Ts,
) -> Result<Change, OperateError> {
    let plan: Plan = record.plan.parse().map_err(super::Unreadable)?;
    let mut state = record.position(&plan)?;
    if state.phase.is_ended() {
        return Err(super::NotAllowed::Ended.into());
    }
    // Whoever has it may be in the middle of the action; it is taken away, and nobody goes on before that has ended.
    let held = record.owner.is_some();
    if held && state.phase.is_open() {
        state = state.after(&plan, Event::Interrupted)?;
    }
    let turned = state.back;
    let next = match wish {
        Some(wish) => state.after(&plan, wish)?,
        None => state,
    };
    let mut change = Change::of(record, &plan, &next, now);
    change.takes = true;
    change.owner = None;
    change.due = if held { record.due_at } else { now };
    change.last_error.clone_from(&record.last_error);
    if next.back && !turned {
        change.failure = Some(format!("compensated by an operator: {reason}"));
    }
    if next.phase == Phase::Stuck {
        change.stuck_reason.clone_from(&record.stuck_reason);
    }
    change.params.clone_from(&edit.params);
    if let Some(memory) = &edit.memory {
        change.memory = memory.clone();
    }
    let outcome = deed.rsplit('.').next().unwrap_or(deed);
    let step = record.step.clone();
    let error = Some(reason.to_owned());
    change.log = Some(Line { step, action: "operator", outcome, attempt: 0, error, started: now });
    Ok(change)
}

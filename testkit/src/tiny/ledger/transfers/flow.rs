//! The saga: hold, reserve, deposit, settle, record.

use super::store;
use chassis::db::Tx;
use chassis::saga::{Moved, Retry, Saga, Step, StepError, StepResult, Steps, What, local, remote};
use contract::client::{CallError, Caller};
use contract::page::Empty;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// So soon is a crash during a step noticed by others.
const TIMEOUT: Duration = Duration::from_secs(2);
/// The peer may be away for a while, and comes back.
const RETRY: Retry = Retry::times(8).from(Duration::from_millis(50)).up_to(Duration::from_secs(1));
const RETRY_UNDO: Retry = Retry::times(1_000).from(Duration::from_millis(50)).up_to(Duration::from_secs(1));

/// What it needs.
pub(in crate::tiny::ledger) struct Transfer {
    pub(in crate::tiny::ledger) counter: Caller,
}

/// What is to be transferred, and at which step the answer shall be no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::tiny::ledger) struct Params {
    pub(super) source: String,
    pub(super) target: String,
    pub(super) amount: i64,
    pub(super) refuse: Option<String>,
}

impl Saga for Transfer {
    const NAME: &'static str = "transfer";
    const TELLS: bool = true;

    type Params = Params;
    type Memory = ();

    fn steps() -> Steps<Self> {
        Steps::new()
            .step(local("hold", Self::hold).undo(Self::release).timeout(TIMEOUT))
            .step(
                remote("reserve", Self::reserve)
                    .undo(Self::cancel)
                    .timeout(TIMEOUT)
                    .retry(RETRY)
                    .retry_undo(RETRY_UNDO),
            )
            .step(
                remote("deposit", Self::deposit)
                    .undo(Self::withdraw)
                    .timeout(TIMEOUT)
                    .retry(RETRY)
                    .retry_undo(RETRY_UNDO),
            )
            .step(local("settle", Self::settle).undo(Self::unsettle).timeout(TIMEOUT))
            .step(local("record", Self::record).timeout(TIMEOUT))
    }

    async fn moved(&self, t: &mut Tx, moved: &Moved<Self>) -> anyhow::Result<()> {
        if let What::Compensated { .. } = moved.what {
            store::end(t, moved.id, "undone").await?;
        }
        Ok(())
    }
}

/// Says no where the client wanted it.
fn unless_refused(step: &Step<Transfer>, name: &str) -> StepResult {
    if step.params.refuse.as_deref() == Some(name) {
        return Err(StepError::refuse("the client asked for it"));
    }
    Ok(())
}

impl Transfer {
    async fn hold(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        unless_refused(step, "hold")?;
        if !store::hold(t, step.id(), &step.params.source, step.params.amount).await? {
            return Err(StepError::refuse("there is not enough in the purse"));
        }
        Ok(())
    }

    async fn release(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        Ok(store::release(t, step.id(), &step.params.source, step.params.amount).await?)
    }

    async fn reserve(&self, step: &mut Step<Self>) -> StepResult {
        self.ask("reserve", step).await
    }

    async fn cancel(&self, step: &mut Step<Self>) -> StepResult {
        self.ask("cancel", step).await
    }

    async fn deposit(&self, step: &mut Step<Self>) -> StepResult {
        self.ask("deposit", step).await
    }

    async fn withdraw(&self, step: &mut Step<Self>) -> StepResult {
        self.ask("withdraw", step).await
    }

    async fn settle(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        unless_refused(step, "settle")?;
        Ok(store::settle(t, step.id(), &step.params.source, step.params.amount).await?)
    }

    async fn unsettle(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        Ok(store::unsettle(t, step.id(), &step.params.source, step.params.amount).await?)
    }

    async fn record(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        unless_refused(step, "record")?;
        Ok(store::end(t, step.id(), "done").await?)
    }

    /// Asks the counter. It knows the transfer again by its id, and each of its movements by its name.
    async fn ask(&self, what: &str, step: &Step<Self>) -> StepResult {
        let Params { target, amount, refuse, .. } = &step.params;
        let refuse = refuse.as_deref() == Some(what);
        let body = json!({"purse": target, "amount": amount, "refuse": refuse});
        let path = format!("/api/v1/counter/transfers/{}/{what}", step.id());
        match self.counter.call::<_, Empty>(http::Method::POST, &path, Some(&body)).await {
            Ok(_) => Ok(()),
            Err(CallError::Refused(detail)) if detail.status == 409 => Err(StepError::refuse(detail.message)),
            Err(error) => Err(StepError::retry(error)),
        }
    }
}

impl Params {
    /// What is transferred, to tell one transfer from another under the same id.
    pub(super) fn row(&self, id: Uuid) -> (Uuid, &str, i64) {
        (id, &self.source, self.amount)
    }
}

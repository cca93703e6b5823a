//! The saga of a refund: the provider gives money back, then goods come back into stock. It only goes forward; a provider
//! that would not is one way to its end.

use super::{Answered, answered};
use crate::app::App;
use crate::domain::events::RefundAsked;
use chassis::db::Tx;
use chassis::saga::{Moved, Saga, Step, StepError, StepResult, Steps, What, remote};
use contract::ids::CheckoutId;
use contract::inventory::Restock;
use contract::payments::{RefundPayment, RefundState};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
/// How long until a provider that has not answered is asked again; word comes sooner.
const AGAIN: Duration = Duration::from_secs(5);

/// The flow.
#[derive(Debug, Clone)]
pub struct Refund {
    app: App,
}

/// What is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefundParams {
    /// The attempt with which it was sold, which is the payment's id.
    pub checkout: CheckoutId,
    /// What was asked for.
    pub asked: RefundAsked,
}

/// What its steps have noted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct RefundNotes {
    /// Why the provider would not.
    #[serde(default)]
    refused: Option<String>,
}

impl Saga for Refund {
    const NAME: &'static str = "refund";
    const TELLS: bool = true;

    type Params = RefundParams;
    type Memory = RefundNotes;

    fn steps() -> Steps<Self> {
        Steps::new()
            .point_of_no_return()
            .step(remote("refund", Self::refund).timeout(TIMEOUT))
            .step(remote("restock", Self::restock).timeout(TIMEOUT))
    }

    async fn moved(&self, t: &mut Tx, moved: &Moved<Self>) -> anyhow::Result<()> {
        if moved.what == What::Done {
            self.app.refunded(t, &moved.params, moved.memory.refused.as_deref()).await?;
        }
        Ok(())
    }
}

impl Refund {
    /// The flow of this service.
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    async fn refund(&self, step: &mut Step<Self>) -> StepResult {
        let RefundAsked { refund, amount, reason, .. } = step.params.asked.clone();
        let body = RefundPayment { amount, reason };
        let refused = match answered(self.app.payments.refund(step.params.checkout, refund, &body).await)? {
            Answered::Yes(refund) => match refund.state {
                RefundState::Succeeded => return Ok(()),
                RefundState::Pending => return Err(StepError::Wait(AGAIN)),
                RefundState::Failed => "The provider would not give it back.".to_owned(),
            },
            Answered::No(why) => why,
        };
        step.memory.refused = Some(refused);
        Ok(())
    }

    async fn restock(&self, step: &mut Step<Self>) -> StepResult {
        let RefundAsked { order, refund, restock, .. } = step.params.asked.clone();
        if step.memory.refused.is_some() || restock.is_empty() {
            return Ok(());
        }
        match answered(self.app.inventory.restock(&Restock { refund, order, lines: restock }).await)? {
            Answered::Yes(()) => Ok(()),
            Answered::No(why) => {
                Err(StepError::fatal(anyhow::anyhow!("the goods are not taken back: {why}")))
            }
        }
    }
}

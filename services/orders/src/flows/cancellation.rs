//! The saga that gives back what a cancelled order cost and what was in it. It only goes forward: the order is called off
//! before it begins.

use super::{Answered, answered};
use crate::app::App;
use crate::domain::events::GivingBack;
use crate::store::checkout::{self, State};
use chassis::db::Tx;
use chassis::saga::{Moved, Saga, Step, StepError, StepResult, Steps, What, remote};
use contract::ids::{CheckoutId, OrderId};
use contract::inventory::Restock;
use contract::payments::{RefundPayment, RefundState};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);
/// How long until it is looked again whether the sale is complete, or the provider has answered; word comes sooner.
const AGAIN: Duration = Duration::from_secs(5);

/// The flow.
#[derive(Debug, Clone)]
pub struct Cancellation {
    app: App,
}

/// What is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancellationParams {
    /// The order.
    pub order: OrderId,
    /// The attempt with which it was sold.
    pub checkout: CheckoutId,
    /// What is given back, and under which id.
    pub giving_back: GivingBack,
    /// Why.
    pub reason: String,
}

impl Saga for Cancellation {
    const NAME: &'static str = "cancellation";
    const TELLS: bool = true;

    type Params = CancellationParams;
    type Memory = ();

    fn steps() -> Steps<Self> {
        Steps::new()
            .point_of_no_return()
            .step(remote("refund", Self::refund).timeout(TIMEOUT))
            .step(remote("restock", Self::restock).timeout(TIMEOUT))
    }

    async fn moved(&self, t: &mut Tx, moved: &Moved<Self>) -> anyhow::Result<()> {
        if moved.what == What::Done {
            let CancellationParams { order, checkout, giving_back, .. } = &moved.params;
            self.app.given_back(t, *order, *checkout, Some(giving_back.amount)).await?;
        }
        Ok(())
    }
}

impl Cancellation {
    /// The flow of this service.
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    async fn refund(&self, step: &mut Step<Self>) -> StepResult {
        let CancellationParams { checkout, giving_back, reason, .. } = &step.params;
        let sale = checkout::find(&self.app.db, *checkout).await?;
        let sale =
            sale.ok_or_else(|| StepError::fatal(anyhow::anyhow!("there is no checkout {checkout}")))?;
        if sale.state == State::Confirmed {
            // The money is still being taken: it can be given back when it is there.
            return Err(StepError::Wait(AGAIN));
        }
        if giving_back.amount.is_zero() {
            return Ok(());
        }
        let body = RefundPayment { amount: giving_back.amount, reason: reason.clone() };
        match answered(self.app.payments.refund(*checkout, giving_back.refund, &body).await)? {
            Answered::Yes(refund) => match refund.state {
                RefundState::Succeeded => Ok(()),
                RefundState::Pending => Err(StepError::Wait(AGAIN)),
                RefundState::Failed => {
                    Err(StepError::fatal(anyhow::anyhow!("the provider gives nothing back")))
                }
            },
            Answered::No(why) => Err(StepError::fatal(anyhow::anyhow!("nothing is given back: {why}"))),
        }
    }

    async fn restock(&self, step: &mut Step<Self>) -> StepResult {
        let CancellationParams { order, giving_back, .. } = &step.params;
        if giving_back.lines.is_empty() {
            return Ok(());
        }
        let body = Restock { refund: giving_back.refund, order: *order, lines: giving_back.lines.clone() };
        match answered(self.app.inventory.restock(&body).await)? {
            Answered::Yes(()) => Ok(()),
            Answered::No(why) => {
                Err(StepError::fatal(anyhow::anyhow!("the goods are not taken back: {why}")))
            }
        }
    }
}

//! The saga that turns an order into a sale: reserve, authorise and secure, confirm; from there on only forward: capture and
//! commit, and it is complete.
//!
//! What must hold: before the confirmation everything can be undone and is; behind it nothing is undone, and the money is
//! taken before the goods are taken out of stock. An order says that it has failed only when nothing is left of the try.

use super::{Answered, answered};
use crate::app::{App, CHECKOUT_WITHIN, Confirming};
use chassis::db::Tx;
use chassis::saga::{Moved, Retry, Saga, Step, StepError, StepResult, Steps, What, local, remote};
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::inventory::{Reserve, ReserveLine};
use contract::money::Money;
use contract::payments::{Authorize, MethodToken, PaymentState};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long one call may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// A peer that is restarted is back by then; a buyer does not wait much longer.
const RETRY: Retry = Retry::times(12).up_to(Duration::from_secs(5));
/// How long until a payment that the provider has not answered is looked at again; an event comes sooner.
const PROVIDER: Duration = Duration::from_secs(5);
/// The same for one that waits for its buyer.
const BUYER: Duration = Duration::from_secs(30);
/// What a buyer is told when there is no better reason.
const NO_REASON: &str = "It could not be completed in time. Nothing was charged.";
/// What a buyer is told whose goods went back on the shelf.
const NOT_KEPT: &str = "The payment took too long; the goods are not kept any more.";
/// What a buyer is told who has called it off.
const CALLED_OFF: &str = "It was called off.";

/// The flow.
#[derive(Debug, Clone)]
pub struct Checkout {
    app: App,
}

/// What is to be sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutParams {
    /// The order.
    pub order: OrderId,
    /// Who buys.
    pub user: UserId,
    /// What; each product once.
    pub lines: Vec<ReserveLine>,
    /// For how much.
    pub total: Money,
    /// Paid with what.
    pub method: MethodToken,
}

/// What its steps have noted.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct CheckoutNotes {
    /// Why the answer was no, for the buyer.
    #[serde(default)]
    why: Option<String>,
    /// Whether the payment was begun and waited for.
    #[serde(default)]
    waited: bool,
}

impl Saga for Checkout {
    const NAME: &'static str = "checkout";
    const DEADLINE: Option<Duration> = Some(CHECKOUT_WITHIN);
    const TELLS: bool = true;

    type Params = CheckoutParams;
    type Memory = CheckoutNotes;

    fn steps() -> Steps<Self> {
        Steps::new()
            .step(remote("reserve", Self::reserve).undo(Self::release).timeout(TIMEOUT).retry(RETRY))
            .step(remote("authorize", Self::authorize).undo(Self::void).timeout(2 * TIMEOUT).retry(RETRY))
            .step(local("confirm", Self::confirm))
            .point_of_no_return()
            .step(remote("settle", Self::settle).timeout(2 * TIMEOUT))
    }

    async fn moved(&self, t: &mut Tx, moved: &Moved<Self>) -> anyhow::Result<()> {
        let (order, checkout) = (moved.params.order, CheckoutId(moved.id));
        match &moved.what {
            What::Done => self.app.complete(t, order, checkout).await?,
            What::Compensated { .. } => {
                let why = moved.memory.why.as_deref().unwrap_or(NO_REASON);
                self.app.give_up(t, order, checkout, why).await?;
            }
            What::Did(_) | What::TurnedBack { .. } | What::Undid(_) | What::Stuck { .. } => {}
        }
        Ok(())
    }
}

/// Turns back, for a reason that the buyer is told.
fn refuse(step: &mut Step<Checkout>, why: impl Into<String>) -> StepResult {
    let why = why.into();
    step.memory.why = Some(why.clone());
    Err(StepError::Refused(why))
}

impl Checkout {
    /// The flow of this service.
    #[must_use]
    pub const fn new(app: App) -> Self {
        Self { app }
    }

    async fn reserve(&self, step: &mut Step<Self>) -> StepResult {
        if step.attempt() > 1 && self.app.is_called_off(step.params.order).await? {
            return refuse(step, CALLED_OFF);
        }
        let body = Reserve { order: step.params.order, lines: step.params.lines.clone() };
        match answered(self.app.inventory.reserve(CheckoutId(step.id()), &body).await)? {
            Answered::Yes(_) => Ok(()),
            Answered::No(why) => refuse(step, why),
        }
    }

    async fn release(&self, step: &mut Step<Self>) -> StepResult {
        match answered(self.app.inventory.release(CheckoutId(step.id())).await)? {
            Answered::Yes(_) => Ok(()),
            Answered::No(why) => Err(StepError::fatal(anyhow::anyhow!("stock is not let go: {why}"))),
        }
    }

    async fn authorize(&self, step: &mut Step<Self>) -> StepResult {
        // A payment that was begun is undone with the others; see `Event::Interrupted` of the machine.
        if (step.memory.waited || step.attempt() > 1) && self.app.is_called_off(step.params.order).await? {
            return refuse(step, CALLED_OFF);
        }
        let CheckoutParams { order, user, total, method, .. } = step.params.clone();
        let body = Authorize { order, user, amount: total, method };
        let payment = match answered(self.app.payments.authorize(CheckoutId(step.id()), &body).await)? {
            Answered::Yes(payment) => payment,
            Answered::No(why) => return refuse(step, why),
        };
        let wait = match payment.state {
            PaymentState::Authorized
            | PaymentState::Captured
            | PaymentState::PartiallyRefunded
            | PaymentState::Refunded => return self.secure(step).await,
            PaymentState::Failed => {
                let why = payment.failure.unwrap_or_else(|| "The payment was declined.".to_owned());
                return refuse(step, why);
            }
            PaymentState::Voided => return refuse(step, NO_REASON),
            PaymentState::Pending => PROVIDER,
            PaymentState::RequiresAction => BUYER,
        };
        step.memory.waited = true;
        Err(StepError::Wait(wait))
    }

    async fn void(&self, step: &mut Step<Self>) -> StepResult {
        match answered(self.app.payments.void(CheckoutId(step.id())).await)? {
            // One whose provider has not answered is let go by the payments as soon as it has.
            Answered::Yes(_) => Ok(()),
            Answered::No(why) => Err(StepError::fatal(anyhow::anyhow!("the payment is not let go: {why}"))),
        }
    }

    /// From here on the goods are kept until somebody decides. Where they are not kept any more the payment is let go, for a
    /// step that says no leaves nothing.
    async fn secure(&self, step: &mut Step<Self>) -> StepResult {
        match answered(self.app.inventory.secure(CheckoutId(step.id())).await)? {
            Answered::Yes(_) => Ok(()),
            Answered::No(_) => {
                self.void(step).await?;
                refuse(step, NOT_KEPT)
            }
        }
    }

    async fn confirm(&self, t: &mut Tx, step: &mut Step<Self>) -> StepResult {
        match self.app.confirm(t, step.params.order, CheckoutId(step.id())).await? {
            Confirming::Done => Ok(()),
            Confirming::CalledOff | Confirming::TooLate => refuse(step, CALLED_OFF),
        }
    }

    /// Takes the money, then the goods.
    async fn settle(&self, step: &mut Step<Self>) -> StepResult {
        let checkout = CheckoutId(step.id());
        let payment = match answered(self.app.payments.capture(checkout).await)? {
            Answered::Yes(payment) => payment,
            Answered::No(why) => {
                return Err(StepError::fatal(anyhow::anyhow!("the money cannot be taken: {why}")));
            }
        };
        match payment.state {
            PaymentState::Captured | PaymentState::PartiallyRefunded | PaymentState::Refunded => {}
            PaymentState::Authorized | PaymentState::Pending | PaymentState::RequiresAction => {
                return Err(StepError::Wait(PROVIDER));
            }
            PaymentState::Failed | PaymentState::Voided => {
                let why = anyhow::anyhow!("the payment of a confirmed order is {}", payment.state);
                return Err(StepError::fatal(why));
            }
        }
        match answered(self.app.inventory.commit(checkout).await)? {
            Answered::Yes(_) => Ok(()),
            Answered::No(why) => Err(StepError::fatal(anyhow::anyhow!("the goods cannot leave: {why}"))),
        }
    }
}

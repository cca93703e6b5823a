//! Writes down what has become of a payment: the one place where answers, webhooks and the provider's books meet.

use super::{App, TRIES};
use crate::domain::charge::Charge;
use crate::domain::machine::{Met, Standing, Tell, meet, meet_nothing};
use crate::domain::record::{Record, pause};
use crate::error::{PaymentsError, PaymentsResult};
use crate::store::{payment, refund};
use chassis::clock::Ts;
use chassis::db::Tx;
use chassis::http::origin;
use contract::event::Event;
use contract::ids::OrderId;
use contract::payments::{
    PaymentActionRequired, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentState, PaymentVoided,
};
use metrics::counter;
use std::sync::Arc;
use std::time::Duration;
use tracing::Span;

/// What was heard about a payment.
#[derive(Debug, Clone)]
pub(crate) enum Heard {
    /// About its charge.
    Charge(Box<Charge>),
    /// The provider does not know of it.
    Nothing,
    /// The provider failed and keeps that failure under the key.
    Broken,
    /// The provider does not take the request.
    Refused,
}

/// From where it was heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// The provider's answer, for a caller who waits for it.
    Call,
    /// The provider's answer, for a job or for the buyer.
    Answer,
    /// The provider told unasked.
    Webhook,
    /// The provider's books.
    Reconciliation,
}

impl Source {
    /// For the history of a payment and for metrics.
    const fn as_str(self) -> &'static str {
        match self {
            Self::Call | Self::Answer => "answer",
            Self::Webhook => "webhook",
            Self::Reconciliation => "reconciliation",
        }
    }
}

/// What a buyer is told when the provider does not take the request, which is no fault of the card.
const NOT_TAKEN: &str = "The payment could not be made. Try again, or use another card.";

/// More than a request takes between two machines.
const MARGIN: Duration = Duration::from_secs(1);

impl App {
    /// Meets `seen`, which may have changed meanwhile, with what was heard. Gives the payment as it stands then.
    pub(super) async fn settle(&self, seen: &Record, heard: Heard, source: Source) -> PaymentsResult<Record> {
        let job = Arc::new((seen.clone(), heard));
        self.write(move |app, t| {
            let job = Arc::clone(&job);
            Box::pin(async move { app.settle_in(t, &job.0, &job.1, source).await })
        })
        .await
    }

    /// Whether what was heard changes anything about the payment as it was read.
    pub(super) fn is_news(&self, now: &Record, heard: &Heard) -> bool {
        self.after(now, heard).is_some()
    }

    /// [`App::settle`] in the caller's transaction.
    pub(super) async fn settle_in(
        &self,
        t: &mut Tx,
        seen: &Record,
        heard: &Heard,
        source: Source,
    ) -> PaymentsResult<Record> {
        let mut now = seen.clone();
        for _ in 0..TRIES {
            let Some((mut to, tell)) = self.after(&now, heard) else { return Ok(now) };
            if payment::update(t, &mut to).await? {
                self.follow_up(t, &now, &to, tell, source).await?;
                return Ok(to);
            }
            now = self.find_in(t, seen.id).await?;
        }
        Err(PaymentsError::Contended)
    }

    /// When every request for a payment has landed that was sent before the payment last changed.
    fn landed(&self, record: &Record) -> Ts {
        record.updated_at + self.provider_timeout + MARGIN
    }

    /// What the record becomes, and what is told; nothing when nothing changes.
    fn after(&self, now: &Record, heard: &Heard) -> Option<(Record, Option<Tell>)> {
        let mut to = now.clone();
        let met = match heard {
            Heard::Charge(charge) => take_over(&mut to, charge),
            // Under a new key it may be asked for again: the provider has none of the old one.
            Heard::Nothing if now.doubt && now.standing == Standing::at(PaymentState::Pending) => {
                to.doubt = false;
                Met::Known
            }
            // A request may still be on its way to the provider, sent before it was wanted back.
            Heard::Nothing if now.standing.wish.is_some() && self.clock.now() < self.landed(now) => {
                Met::Known
            }
            Heard::Nothing => meet_nothing(now.standing),
            Heard::Broken => {
                (to.round, to.doubt) = (now.round + 1, true);
                Met::Known
            }
            Heard::Refused if now.standing == Standing::at(PaymentState::Pending) => {
                meet_nothing(now.standing)
            }
            Heard::Refused => Met::Known,
        };
        let tell = match met {
            Met::Known => None,
            Met::Moves { to: standing, tell } => {
                to.standing = standing;
                tell
            }
        };
        match to.standing.state {
            PaymentState::Captured if to.captured == 0 => to.captured = to.amount.amount,
            PaymentState::Failed if to.failure.is_none() => to.failure = Some(NOT_TAKEN.to_owned()),
            _ => {}
        }
        if to.standing.state != PaymentState::Pending {
            to.method = None;
        }
        if to.standing.state != PaymentState::RequiresAction {
            to.action = None;
        }
        let at = self.clock.now();
        to.attempts = if to.standing == now.standing { now.attempts } else { 0 };
        to.next_at = to.step(at).map(|_| at + pause(to.attempts));
        let is_same = to.standing == now.standing
            && (&to.reference, to.action.is_some(), to.round, to.doubt)
                == (&now.reference, now.action.is_some(), now.round, now.doubt)
            // What was taken up to be asked about keeps its next time only where one is needed.
            && to.next_at.is_some() == now.next_at.is_some();
        if is_same {
            return None;
        }
        to.updated_at = at;
        Some((to, tell))
    }

    /// Everything that follows a change, in its transaction.
    async fn follow_up(
        &self,
        t: &mut Tx,
        from: &Record,
        to: &Record,
        tell: Option<Tell>,
        source: Source,
    ) -> PaymentsResult<()> {
        self.tell_change(t, to.id);
        if from.standing.state != to.standing.state {
            payment::note_transition(t, to, from.standing.state, source.as_str()).await?;
            let (state, counted) = (to.standing.state.as_str(), source.as_str());
            t.after_commit(move || {
                counter!("payment_transitions_total", "to" => state, "cause" => counted).increment(1);
            });
        }
        if to.standing.state == PaymentState::Captured && to.refunding > 0 {
            refund::release(t, to.id, self.clock.now()).await?;
            self.wake_pursuer(t);
        }
        match (tell, to.order) {
            (Some(tell), Some(order)) => {
                // Who has been told that the buyer has to do something waits for an event.
                let waits = from.standing.state == PaymentState::RequiresAction;
                self.publish(t, to, order, tell, source == Source::Call && !waits).await
            }
            _ => Ok(()),
        }
    }

    async fn publish(
        &self,
        t: &mut Tx,
        to: &Record,
        order: OrderId,
        tell: Tell,
        answered: bool,
    ) -> PaymentsResult<()> {
        let (checkout, amount) = (to.id, to.amount);
        match tell {
            Tell::Authorized => {
                self.emit(t, to, &PaymentAuthorized { order, checkout, amount, answered }).await
            }
            Tell::ActionRequired => self.emit(t, to, &PaymentActionRequired { order, checkout }).await,
            Tell::Failed => {
                let reason = to.failure.clone().unwrap_or_default();
                self.emit(t, to, &PaymentFailed { order, checkout, reason }).await
            }
            Tell::Captured => self.emit(t, to, &PaymentCaptured { order, checkout, amount, answered }).await,
            Tell::Voided => self.emit(t, to, &PaymentVoided { order, checkout }).await,
        }
    }

    /// Publishes an event about a payment. Where no request is at work it belongs to what began the payment.
    pub(super) async fn emit<E: Event>(&self, t: &mut Tx, of: &Record, event: &E) -> PaymentsResult<()> {
        let publishing = self.outbox.publish(t, event);
        match origin() {
            Some(_) => publishing.await?,
            None => of.cause.origin().scope(Span::none(), publishing).await?,
        };
        Ok(())
    }
}

/// What the record becomes by what the provider says of a charge, apart from its standing.
fn take_over(to: &mut Record, charge: &Charge) -> Met {
    // A second charge, or one of another amount, is no news of this payment: reconciliation reports it.
    let is_ours = to.reference.as_ref().is_none_or(|reference| *reference == charge.reference);
    let whole = charge.captured == 0 || charge.captured == to.amount.amount;
    if !is_ours || charge.amount != to.amount || !whole {
        tracing::error!(payment = %to.id, charge = charge.reference, "a charge does not fit its payment; left alone");
        return Met::Known;
    }
    to.reference = Some(charge.reference.clone());
    to.doubt = false;
    let met = meet(to.standing, charge.state);
    if matches!(met, Met::Moves { tell: Some(Tell::Failed), .. }) {
        to.failure.clone_from(&charge.refusal);
    }
    to.action.clone_from(&charge.action);
    met
}

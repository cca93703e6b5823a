//! Asks the provider about a refund, and writes down what that came to: here answers, webhooks and the provider's books meet.

use super::{App, TRIES};
use crate::domain::charge::{ReturnState, Returned};
use crate::domain::record::{Record, RefundRecord, pause};
use crate::error::{PaymentsError, PaymentsResult};
use crate::provider::{NewRefund, ProviderError};
use crate::store::{payment, refund};
use chassis::db::Tx;
use contract::ids::RefundId;
use contract::money::Money;
use contract::payments::{PaymentRefunded, PaymentState, RefundState};
use metrics::counter;
use std::sync::Arc;
use tokio::time::Instant;

/// Questions about one refund in a row at most.
const STEPS: u32 = 3;

/// What was heard about a refund.
#[derive(Debug, Clone)]
enum Heard {
    Returned(Returned),
    Nothing,
    Broken,
    Refused(String),
}

impl App {
    /// Asks the provider until the end of a refund is known, nothing new comes of it, or `until`.
    pub(super) async fn drive_refund(
        &self,
        record: RefundRecord,
        until: Instant,
    ) -> PaymentsResult<RefundRecord> {
        let mut now = record;
        for _ in 0..STEPS {
            if now.state != RefundState::Pending {
                break;
            }
            let of = self.find(now.payment).await?;
            let Some(heard) = self.ask_refund(&of, &now, until).await else { break };
            let before = (now.reference.is_some(), now.doubt);
            now = self.settle_refund(&now, heard).await?;
            if before == (now.reference.is_some(), now.doubt) {
                break;
            }
        }
        Ok(now)
    }

    /// Asks the provider about a refund that was taken up because its time had come; later again, when that is needed.
    pub(crate) async fn pursue_refund(&self, record: RefundRecord) -> PaymentsResult<()> {
        let of = self.find(record.payment).await?;
        // One whose payment is still to be taken waits for that, which makes it due.
        let (claimed, attempts) = (record.next_at, record.attempts);
        let is_over = matches!(of.standing.state, PaymentState::Failed | PaymentState::Voided);
        let now = match of.was_taken() {
            false if is_over => {
                let why = "Nothing was taken that could be given back.".to_owned();
                self.settle_refund(&record, Heard::Refused(why)).await?
            }
            true => self.drive_refund(record, Instant::now() + self.provider_timeout).await?,
            false => record,
        };
        if now.state == RefundState::Pending && now.next_at == claimed {
            let to = RefundRecord { next_at: Some(self.clock.now() + pause(attempts)), ..now };
            self.write(move |app, t| {
                let to = to.clone();
                Box::pin(async move { Ok(refund::note(t, &to, app.clock.now()).await?) })
            })
            .await?;
        }
        Ok(())
    }

    /// Asks the provider; nothing when there is no answer.
    async fn ask_refund(&self, of: &Record, record: &RefundRecord, until: Instant) -> Option<Heard> {
        let Some(charge) = of.reference.clone().filter(|_| record.amount > 0) else {
            return Some(Heard::Returned(nothing_to_return(record)));
        };
        let may_ask = record.reference.is_none() && record.may_ask_again(self.clock.now());
        let answered = if may_ask {
            let amount = Money::new(record.amount, of.amount.currency);
            let new = NewRefund { refund: record.id, charge, amount, key: record.key() };
            self.timed("refund", until, self.provider.refund(&new)).await.map(Some)
        } else {
            let found = self.provider.find_refund(record.reference.as_deref(), &charge, record.id);
            self.timed("find_refund", until, found).await
        };
        match answered {
            Ok(Some(returned)) => Some(Heard::Returned(returned)),
            Ok(None) => Some(Heard::Nothing),
            Err(ProviderError::NoAnswer(why)) => {
                tracing::info!(refund = %record.id, why, "the provider gave no answer; it is asked again");
                None
            }
            // Looking changes nothing: it is looked again.
            Err(ProviderError::Broken(why)) if !may_ask => {
                tracing::warn!(refund = %record.id, why, "the provider failed to say how a refund stands");
                None
            }
            Err(ProviderError::Broken(why)) => {
                tracing::warn!(refund = %record.id, why, "the provider failed; it is asked again");
                Some(Heard::Broken)
            }
            Err(ProviderError::Refused(why)) => {
                tracing::error!(refund = %record.id, why, "the provider does not take a refund");
                Some(Heard::Refused(why))
            }
        }
    }

    async fn settle_refund(&self, seen: &RefundRecord, heard: Heard) -> PaymentsResult<RefundRecord> {
        let job = Arc::new((seen.id, heard));
        self.write(move |app, t| {
            let job = Arc::clone(&job);
            Box::pin(async move { app.settle_refund_in(t, job.0, &job.1).await })
        })
        .await
    }

    async fn settle_refund_in(
        &self,
        t: &mut Tx,
        id: RefundId,
        heard: &Heard,
    ) -> PaymentsResult<RefundRecord> {
        let now = refund::find_in(t, id).await?.ok_or(PaymentsError::NotFound("refund"))?;
        let mut to = now.clone();
        match heard {
            Heard::Returned(returned) => return self.meet_returned(t, now, returned).await,
            Heard::Refused(why) => return self.end_refund(t, to, RefundState::Failed, Some(why)).await,
            Heard::Broken => (to.round, to.doubt) = (now.round + 1, true),
            // The provider has none of the old key: under a new one it may be asked for again.
            Heard::Nothing if now.doubt => to.doubt = false,
            // Too old to be asked for again, and never heard of.
            Heard::Nothing => {
                let why = "The provider has no such refund.";
                return self.end_refund(t, to, RefundState::Failed, Some(why)).await;
            }
        }
        to.next_at = Some(self.clock.now() + pause(to.attempts));
        refund::note(t, &to, self.clock.now()).await?;
        Ok(to)
    }

    /// What becomes of a refund of which the provider says this.
    pub(super) async fn meet_returned(
        &self,
        t: &mut Tx,
        now: RefundRecord,
        returned: &Returned,
    ) -> PaymentsResult<RefundRecord> {
        if returned.amount != now.amount {
            tracing::error!(refund = %now.id, returned = returned.reference, "another amount is given back; left alone");
            return Ok(now);
        }
        let mut to = now;
        to.reference = Some(returned.reference.clone());
        match returned.state {
            ReturnState::Succeeded => self.end_refund(t, to, RefundState::Succeeded, None).await,
            ReturnState::Failed => {
                let why = returned.refusal.clone();
                self.end_refund(t, to, RefundState::Failed, why.as_deref()).await
            }
            ReturnState::Pending => {
                to.next_at = Some(self.clock.now() + pause(to.attempts));
                refund::note(t, &to, self.clock.now()).await?;
                Ok(to)
            }
        }
    }

    /// Ends a refund with its payment; once, whoever hears of it first.
    async fn end_refund(
        &self,
        t: &mut Tx,
        mut refund: RefundRecord,
        state: RefundState,
        failure: Option<&str>,
    ) -> PaymentsResult<RefundRecord> {
        let now = self.clock.now();
        if !refund::end(t, refund.id, state, refund.reference.as_deref(), failure, now).await? {
            let stands = refund::find_in(t, refund.id).await?;
            return stands.ok_or(PaymentsError::NotFound("refund"));
        }
        (refund.state, refund.next_at) = (state, None);
        for _ in 0..TRIES {
            let from = self.find_in(t, refund.payment).await?;
            let mut to = from.clone();
            to.refunding -= refund.amount;
            to.updated_at = now;
            if state == RefundState::Succeeded {
                to.refunded += refund.amount;
                let is_whole = to.refunded == to.captured;
                to.standing.state =
                    if is_whole { PaymentState::Refunded } else { PaymentState::PartiallyRefunded };
            }
            if payment::update(t, &mut to).await? {
                self.tell_refund(t, &from, &to, &refund).await?;
                return Ok(refund);
            }
        }
        Err(PaymentsError::Contended)
    }

    async fn tell_refund(
        &self,
        t: &mut Tx,
        from: &Record,
        to: &Record,
        refund: &RefundRecord,
    ) -> PaymentsResult<()> {
        self.tell_change(t, to.id);
        if from.standing.state != to.standing.state {
            payment::note_transition(t, to, from.standing.state, "refund").await?;
        }
        let outcome = refund.state.as_str();
        t.after_commit(move || counter!("payment_refunds_total", "outcome" => outcome).increment(1));
        if let (RefundState::Succeeded, Some(order)) = (refund.state, to.order) {
            let (amount, refunded) =
                (Money::new(refund.amount, to.amount.currency), Money::new(to.refunded, to.amount.currency));
            let event = PaymentRefunded { order, checkout: to.id, refund: refund.id, amount, refunded };
            self.emit(t, to, &event).await?;
        }
        Ok(())
    }
}

/// What the provider would say of a refund of nothing, for which it is not asked.
fn nothing_to_return(record: &RefundRecord) -> Returned {
    Returned {
        reference: format!("free_{}", record.id.uuid().simple()),
        refund: Some(record.id),
        state: ReturnState::Succeeded,
        amount: record.amount,
        refusal: None,
    }
}

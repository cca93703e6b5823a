//! Brings a payment as far as its provider goes: asks what is to be asked next, writes down what that came to, and so on.

use super::{App, Heard, Source};
use crate::domain::charge::{Charge, ChargeState};
use crate::domain::machine::Step;
use crate::domain::record::{Record, pause};
use crate::error::{PaymentsError, PaymentsResult};
use crate::provider::{Asking, NewCharge, ProviderError};
use crate::store::payment;
use contract::ids::CheckoutId;
use metrics::{counter, histogram};
use std::future::Future;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, timeout_at};

/// Questions about one payment in a row at most.
const STEPS: u32 = 6;

impl App {
    /// Asks the provider until there is nothing to ask, nothing new comes of it, or `until`. Gives the payment as it stands
    /// then. It may be dropped at any moment: somebody asks again.
    pub(crate) async fn drive(
        &self,
        record: Record,
        until: Instant,
        source: Source,
    ) -> PaymentsResult<Record> {
        let mut now = record;
        for _ in 0..STEPS {
            let Some(step) = now.step(self.clock.now()) else { break };
            let Some(heard) = self.ask(&now, step, until).await else { break };
            let before = (now.standing, now.reference.is_some(), now.doubt);
            now = self.settle(&now, heard, source).await?;
            if before == (now.standing, now.reference.is_some(), now.doubt) {
                break;
            }
        }
        Ok(now)
    }

    /// Asks the provider; nothing when there is no answer.
    async fn ask(&self, record: &Record, step: Step, until: Instant) -> Option<Heard> {
        if record.amount.is_zero() {
            return Some(Heard::Charge(Box::new(nothing_to_pay(record, step))));
        }
        let provider = &self.provider;
        let asking = |operation| {
            let reference = record.reference.clone()?;
            Some(Asking { reference, key: record.key(operation) })
        };
        let answered = match step {
            Step::Authorize => {
                let (Some(order), Some(method)) = (record.order, record.method.clone()) else {
                    return Some(Heard::Refused);
                };
                let (checkout, amount, key) = (record.id, record.amount, record.key("authorize"));
                let new = NewCharge { checkout, order, amount, method, key };
                self.timed("authorize", until, provider.authorize(&new)).await.map(Some)
            }
            Step::Look => {
                let reference = record.reference.as_deref();
                let found = provider.find(reference, record.id, record.created_at);
                self.timed("find", until, found).await
            }
            Step::Capture => {
                let asking = asking("capture")?;
                self.timed("capture", until, provider.capture(&asking)).await.map(Some)
            }
            Step::Void => {
                let asking = asking("void")?;
                self.timed("void", until, provider.void(&asking)).await.map(Some)
            }
        };
        match answered {
            Ok(Some(charge)) => Some(Heard::Charge(Box::new(charge))),
            Ok(None) => Some(Heard::Nothing),
            Err(ProviderError::NoAnswer(why)) => {
                tracing::info!(payment = %record.id, ?step, why, "the provider gave no answer; it is asked again");
                None
            }
            // Looking changes nothing: it is looked again.
            Err(ProviderError::Broken(why)) if step == Step::Look => {
                tracing::warn!(payment = %record.id, why, "the provider failed to say how a charge stands");
                None
            }
            Err(ProviderError::Broken(why)) => {
                tracing::warn!(payment = %record.id, ?step, why, "the provider failed; it is asked again");
                Some(Heard::Broken)
            }
            Err(ProviderError::Refused(why)) => {
                tracing::error!(payment = %record.id, ?step, why, "the provider does not take a request of ours");
                Some(Heard::Refused)
            }
        }
    }

    /// Waits for a provider's answer until then, and measures it.
    pub(super) async fn timed<T>(
        &self,
        operation: &'static str,
        until: Instant,
        asked: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let (began, provider) = (Instant::now(), self.provider.name());
        let answer = timeout_at(until, asked).await;
        let answer = answer.unwrap_or_else(|_| Err(ProviderError::NoAnswer("in time".to_owned())));
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(ProviderError::NoAnswer(_)) => "no_answer",
            Err(ProviderError::Broken(_)) => "broken",
            Err(ProviderError::Refused(_)) => "refused",
        };
        counter!("payment_provider_calls_total", "provider" => provider, "operation" => operation, "outcome" => outcome)
            .increment(1);
        histogram!("payment_provider_seconds", "provider" => provider, "operation" => operation)
            .record(began.elapsed());
        answer
    }

    /// Brings a payment as far as it goes while whoever asks waits, and waits for news of it that come otherwise until it is
    /// `settled`.
    pub(super) async fn hurry(
        &self,
        record: Record,
        settled: impl Fn(&Record) -> bool,
    ) -> PaymentsResult<Record> {
        let until = Instant::now() + self.answer_within;
        let mut changes = self.changed.subscribe();
        let mut now = self.drive(record, until, Source::Call).await?;
        while !settled(&now) && Instant::now() < until {
            let again = until.min(Instant::now() + self.due.patience());
            let hears = async {
                loop {
                    match changes.recv().await {
                        Ok(id) if id != now.id => {}
                        Ok(_) | Err(RecvError::Lagged(_)) => break,
                        Err(RecvError::Closed) => std::future::pending().await,
                    }
                }
            };
            // In this process somebody says that it has changed; what others change is found by looking.
            drop(timeout_at(again, hears).await);
            now = self.find(now.id).await?;
        }
        Ok(now)
    }

    /// A payment.
    pub(crate) async fn find(&self, id: CheckoutId) -> PaymentsResult<Record> {
        payment::find(&self.db, id).await?.ok_or(PaymentsError::NotFound("payment"))
    }

    /// Asks the provider about a payment that was taken up because its time had come; and when there is still something to
    /// ask afterwards, later, after a growing pause.
    pub(crate) async fn pursue(&self, record: Record) -> PaymentsResult<()> {
        let claimed = record.next_at;
        let attempts = record.attempts;
        let now = self.drive(record, Instant::now() + self.provider_timeout, Source::Answer).await?;
        if now.next_at == claimed && now.next_at.is_some() {
            let next_at = Some(self.clock.now() + pause(attempts));
            let to = Record { next_at, attempts, ..now };
            self.write(move |_, t| {
                let mut to = to.clone();
                // Who has changed it since has set its time, too.
                Box::pin(async move { Ok(payment::update(t, &mut to).await?) })
            })
            .await?;
        }
        Ok(())
    }
}

/// What the provider would say of a payment of nothing, for which it is not asked.
fn nothing_to_pay(record: &Record, step: Step) -> Charge {
    Charge {
        reference: format!("free_{}", record.id.uuid().simple()),
        checkout: Some(record.id),
        state: match step {
            Step::Authorize | Step::Look => ChargeState::Authorized,
            Step::Capture => ChargeState::Captured,
            Step::Void => ChargeState::Canceled,
        },
        amount: record.amount,
        captured: 0,
        refunded: Some(0),
        refusal: None,
        action: None,
        created_at: record.created_at,
    }
}

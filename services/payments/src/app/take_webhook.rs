//! Takes what a provider tells unasked. It is believed with its signature only, and each once.

use super::{App, Heard, Source};
use crate::domain::charge::{Charge, Returned};
use crate::domain::record::{Record, RefundRecord};
use crate::error::{PaymentsError, PaymentsResult};
use crate::provider::{News, Notice};
use crate::store::{payment, refund, webhook};
use chassis::db::Tx;
use metrics::counter;
use std::sync::Arc;

impl App {
    /// Takes a webhook. One that came before, and one about what is not ours, has no effect, and is no error: the provider
    /// would only send it again.
    ///
    /// # Errors
    /// [`PaymentsError::NotFound`] for another provider than the one in use, [`PaymentsError::Webhook`] when it is not
    /// proved, cannot be read or is too old.
    pub(crate) async fn take_webhook(
        &self,
        provider: &str,
        signature: Option<&str>,
        body: &[u8],
    ) -> PaymentsResult<()> {
        let name = self.provider.name();
        if provider != name {
            return Err(PaymentsError::NotFound("provider"));
        }
        let count = move |outcome: &'static str| {
            counter!("payment_webhooks_total", "provider" => name, "outcome" => outcome).increment(1);
        };
        let notice = self.provider.read_webhook(signature, body, self.clock.now()).inspect_err(|error| {
            count("refused");
            tracing::warn!(provider = name, %error, "a webhook was refused");
        })?;
        let notice = Arc::new(notice);
        let taken = self.write(move |app, t| {
            let notice = Arc::clone(&notice);
            Box::pin(async move { app.take_notice(t, &notice).await })
        });
        count(taken.await?);
        Ok(())
    }

    /// Takes what a webhook says. Gives how it went, for the metric.
    async fn take_notice(&self, t: &mut Tx, notice: &Notice) -> PaymentsResult<&'static str> {
        if !webhook::note(t, self.provider.name(), &notice.id, self.clock.now()).await? {
            return Ok("repeated");
        }
        match &notice.news {
            News::Charge(charge) => {
                let Some(record) = self.payment_of(t, charge).await? else { return Ok("foreign") };
                let heard = Heard::Charge(Box::new(charge.clone()));
                let now = self.settle_in(t, &record, &heard, Source::Webhook).await?;
                if now.version == record.version {
                    return Ok("known");
                }
                // What follows from it, such as letting money go, is not done here: the provider waits for an answer.
                self.wake_pursuer(t);
                Ok("taken")
            }
            News::Returned(returned) => {
                let Some(record) = refund_of(t, returned).await? else { return Ok("foreign") };
                self.meet_returned(t, record, returned).await?;
                Ok("taken")
            }
            News::Other => Ok("other"),
        }
    }

    async fn payment_of(&self, t: &mut Tx, charge: &Charge) -> PaymentsResult<Option<Record>> {
        if let Some(checkout) = charge.checkout {
            return Ok(payment::find_in(t, checkout).await?);
        }
        Ok(payment::find_by_reference(t, &charge.reference).await?)
    }
}

async fn refund_of(t: &mut Tx, returned: &Returned) -> PaymentsResult<Option<RefundRecord>> {
    if let Some(id) = returned.refund {
        return Ok(refund::find_in(t, id).await?);
    }
    Ok(refund::find_by_reference(t, &returned.reference).await?)
}

//! Goes on with a payment for which the buyer had to prove something.

use super::{App, Heard, Source};
use crate::domain::record::Record;
use crate::error::{PaymentsError, PaymentsResult};
use crate::provider::{Asking, ProviderError};
use crate::store::payment;
use chassis::db::Tx;
use contract::ids::{CheckoutId, UserId};
use contract::payments::PaymentState;
use tokio::time::Instant;

impl App {
    /// Goes on with a payment of this buyer. Gives a transaction in which what came of it is written down, not committed,
    /// and the payment as it stands then. One that waits for nothing stays as it is.
    ///
    /// # Errors
    /// [`PaymentsError::NotFound`] when it is not this buyer's.
    pub(crate) async fn confirm(&self, id: CheckoutId, buyer: UserId) -> PaymentsResult<(Tx, Record)> {
        let found = payment::find_for_owner(&self.db, id, buyer).await?;
        let record = found.ok_or(PaymentsError::NotFound("payment"))?;
        let heard = match (&record.reference, record.standing.state) {
            (Some(reference), PaymentState::RequiresAction) => self.ask_confirm(&record, reference).await,
            _ => None,
        };
        let mut t = self.db.begin().await?;
        let now = match heard {
            Some(heard) => self.settle_in(&mut t, &record, &heard, Source::Answer).await?,
            None => record,
        };
        Ok((t, now))
    }

    async fn ask_confirm(&self, record: &Record, reference: &str) -> Option<Heard> {
        let asking = Asking { reference: reference.to_owned(), key: record.key("confirm") };
        let until = Instant::now() + self.answer_within;
        match self.timed("confirm", until, self.provider.confirm(&asking)).await {
            Ok(charge) => Some(Heard::Charge(Box::new(charge))),
            Err(
                error @ (ProviderError::NoAnswer(_) | ProviderError::Broken(_) | ProviderError::Refused(_)),
            ) => {
                tracing::info!(payment = %record.id, %error, "a confirmation came to nothing yet");
                None
            }
        }
    }
}

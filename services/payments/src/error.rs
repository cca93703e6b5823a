//! What can go wrong, and what a client is told of it.

use crate::provider::BadWebhook;
use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use contract::ErrorCode;
use contract::money::Money;
use contract::payments::PaymentState;
use std::time::Duration;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum PaymentsError {
    /// No such thing, or another's.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The state of the payment does not allow it.
    #[error("a payment that is {0} cannot be {1}")]
    Transition(PaymentState, &'static str),
    /// The id was used for something else.
    #[error("the {0} was used with other amounts")]
    Another(&'static str),
    /// More than is left.
    #[error("only {0} is left to be given back")]
    TooMuch(Money),
    /// The amount is of another currency, or nothing.
    #[error("the amount {0}")]
    Amount(&'static str),
    /// The webhook is not proved, or cannot be read.
    #[error(transparent)]
    Webhook(#[from] BadWebhook),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// Others change the same payment again and again.
    #[error("the payment changes too often")]
    Contended,
    /// A defect of ours.
    #[error("a defect")]
    Defect(#[from] anyhow::Error),
}

/// What the service's own functions return.
pub type PaymentsResult<T> = Result<T, PaymentsError>;

impl From<PublishError> for PaymentsError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<PaymentsError> for ApiError {
    #[track_caller]
    fn from(error: PaymentsError) -> Self {
        match error {
            PaymentsError::NotFound(what) => Self::not_found(what),
            PaymentsError::Transition(state, done) => {
                let message = format!("The payment is {state} and cannot be {done}.");
                Self::new(ErrorCode::InvalidTransition, message)
            }
            PaymentsError::Another(what) => {
                Self::new(ErrorCode::Conflict, format!("This {what} was used for something else."))
            }
            PaymentsError::TooMuch(left) => {
                Self::new(ErrorCode::RefundTooLarge, format!("Only {left} is left to be given back."))
            }
            PaymentsError::Amount(why) => Self::invalid_field("amount", why),
            PaymentsError::Webhook(BadWebhook::Signature(why)) => {
                Self::new(ErrorCode::InvalidSignature, "The signature of the webhook does not hold.")
                    .cause(why)
            }
            PaymentsError::Webhook(why @ BadWebhook::Unreadable(_)) => {
                Self::new(ErrorCode::Validation, "The webhook cannot be read.").cause(why)
            }
            PaymentsError::Db(error) => error.into(),
            contended @ PaymentsError::Contended => Self::unavailable(contended, Duration::from_secs(1)),
            PaymentsError::Defect(error) => Self::internal(error),
        }
    }
}

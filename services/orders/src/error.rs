//! What can go wrong, and what a client is told of it.

use crate::domain::cart::CartRule;
use crate::domain::transition::NotAllowed;
use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::event_store::{AppendError, LoadError};
use chassis::events::PublishError;
use chassis::jobs::EnqueueError;
use chassis::saga::StartError;
use contract::client::CallError;
use contract::money::{Money, MoneyError};
use contract::{ErrorCode, FieldError};
use std::time::Duration;

/// When to ask again while another service is away.
const AWAY: Duration = Duration::from_secs(2);

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum OrdersError {
    /// No such thing, or none that the caller may know of.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A field of the request cannot be what it is.
    #[error("{0}: {1}")]
    Field(String, String),
    /// The state of the order does not allow it, or not to who asks.
    #[error("{0}")]
    Transition(String),
    /// The cart has no lines.
    #[error("the cart is empty")]
    CartEmpty,
    /// More than a cart takes.
    #[error(transparent)]
    Cart(#[from] CartRule),
    /// Products that are not sold at the moment, line by line.
    #[error("some products are not for sale")]
    NotForSale(Vec<FieldError>),
    /// It costs something else than the client has seen.
    #[error("it costs {0} now")]
    PriceChanged(Money),
    /// More would be given back than is left of what was paid.
    #[error("{0} is left to be given back")]
    RefundTooLarge(Money),
    /// Somebody else has changed it in the same moment.
    #[error("it was changed by somebody else in the same moment")]
    Changed,
    /// Amounts do not come to an amount.
    #[error(transparent)]
    Money(#[from] MoneyError),
    /// Another service gives no usable answer.
    #[error("{0} gives no answer: {1}")]
    Peer(&'static str, #[source] CallError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// What is kept together with the answer to the request could not be.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// A defect of ours.
    #[error("a defect")]
    Defect(#[from] anyhow::Error),
}

/// What the service's own functions return.
pub type OrdersResult<T> = Result<T, OrdersError>;

impl From<NotAllowed> for OrdersError {
    fn from(not_allowed: NotAllowed) -> Self {
        Self::Transition(not_allowed.to_string())
    }
}

impl From<PublishError> for OrdersError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<EnqueueError> for OrdersError {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Db(error) => Self::Db(error),
            other @ EnqueueError::Task(_) => Self::Defect(other.into()),
        }
    }
}

impl From<StartError> for OrdersError {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<LoadError> for OrdersError {
    fn from(error: LoadError) -> Self {
        match error {
            LoadError::Database(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<AppendError> for OrdersError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Database(error) => Self::Db(error),
            AppendError::Conflict { .. } => Self::Changed,
            other => Self::Defect(other.into()),
        }
    }
}

impl From<OrdersError> for ApiError {
    #[track_caller]
    fn from(error: OrdersError) -> Self {
        match error {
            OrdersError::NotFound(what) => Self::not_found(what),
            OrdersError::Field(field, message) => Self::invalid_field(field, message),
            OrdersError::Transition(why) => Self::new(ErrorCode::InvalidTransition, why),
            OrdersError::CartEmpty => Self::new(ErrorCode::CartEmpty, "The cart is empty."),
            OrdersError::Cart(rule @ CartRule::TooMany) => Self::invalid_field("quantity", rule.to_string()),
            OrdersError::Cart(rule @ CartRule::Full) => {
                Self::new(ErrorCode::Conflict, format!("There is no room: {rule}."))
            }
            OrdersError::NotForSale(lines) => {
                Self::new(ErrorCode::NotForSale, "Not everything is sold at the moment; see details.")
                    .details(lines)
            }
            OrdersError::PriceChanged(total) => {
                let message = format!("It comes to {total} now. Look at it and decide again.");
                let details = vec![FieldError::new("expectedTotal", format!("is {} now", total.amount))];
                Self::new(ErrorCode::PriceChanged, message).details(details)
            }
            OrdersError::RefundTooLarge(left) if left.is_zero() => {
                Self::new(ErrorCode::RefundTooLarge, "Nothing of it is left to be given back.")
            }
            OrdersError::RefundTooLarge(left) => {
                Self::new(ErrorCode::RefundTooLarge, format!("{left} is left to be given back."))
            }
            OrdersError::Changed => {
                Self::new(ErrorCode::Conflict, "It was changed in the same moment. Look at it and try again.")
            }
            OrdersError::Money(error) => Self::invalid_field("items", error.to_string()),
            OrdersError::Peer(..) => Self::unavailable(error, AWAY),
            OrdersError::Db(error) => error.into(),
            OrdersError::Api(error) => error,
            OrdersError::Defect(error) => Self::internal(error),
        }
    }
}

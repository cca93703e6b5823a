//! What can go wrong, and what a client is told of it.

use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use contract::inventory::{ReservationState, Shortage};
use contract::{ErrorCode, FieldError};
use std::time::Duration;

/// Why a reservation, a step of it or a return was not made. An answer like any other, which costs nobody else in the same
/// transaction anything.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is not enough of these.
    #[error("there is not enough in stock")]
    Short(Vec<Shortage>),
    /// It is in a state that does not allow it.
    #[error("the reservation is {0}")]
    State(ReservationState),
    /// Nobody has made it.
    #[error("there is no such reservation")]
    Unknown,
    /// The id stands for something else.
    #[error("the id was used for something else")]
    Different,
    /// The goods of the order have not left.
    #[error("the goods have not left")]
    NotLeft,
    /// More would come back of these than was sold; `available` is how many still can.
    #[error("more would come back than was sold")]
    NotSold(Vec<Shortage>),
}

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum InventoryError {
    /// No.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No such product, or another vendor's.
    #[error("no such product")]
    NoProduct,
    /// A count that cannot be so.
    #[error("the quantity {0}")]
    Quantity(&'static str),
    /// Less would be left than is reserved.
    #[error("only {available} can be taken")]
    Reserved {
        /// How many can.
        available: u32,
    },
    /// Somebody else has changed the same stock at the same moment.
    #[error("the stock was changed at the same moment")]
    Raced,
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// A defect of ours.
    #[error("a defect")]
    Defect(#[from] anyhow::Error),
}

/// What the service's own functions return.
pub type InventoryResult<T> = Result<T, InventoryError>;

impl From<PublishError> for InventoryError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<Refusal> for ApiError {
    #[track_caller]
    fn from(refusal: Refusal) -> Self {
        let details = |shortages: Vec<Shortage>| shortages.iter().map(Shortage::detail).collect::<Vec<_>>();
        match refusal {
            Refusal::Short(shortages) => {
                Self::new(ErrorCode::InsufficientStock, "There is not as much in stock as is wanted.")
                    .details(details(shortages))
            }
            Refusal::State(ReservationState::Committed) => {
                Self::new(ErrorCode::InvalidTransition, "The goods have left.")
            }
            Refusal::State(_) => Self::new(ErrorCode::InvalidTransition, "The reservation was let go."),
            Refusal::Unknown => Self::not_found("reservation"),
            Refusal::Different => Self::new(ErrorCode::Conflict, "The id was used for something else."),
            Refusal::NotLeft => {
                Self::new(ErrorCode::InvalidTransition, "The goods of the order have not left yet.")
            }
            Refusal::NotSold(left) => {
                Self::new(ErrorCode::Conflict, "More would come back than was sold with the order.")
                    .details(details(left))
            }
        }
    }
}

impl From<InventoryError> for ApiError {
    #[track_caller]
    fn from(error: InventoryError) -> Self {
        match error {
            InventoryError::Refused(refusal) => refusal.into(),
            InventoryError::NoProduct => Self::not_found("product"),
            InventoryError::Quantity(why) => Self::invalid_field("quantity", why),
            InventoryError::Reserved { available } => {
                let detail = FieldError::new("quantity", format!("at most {available} can be taken away"));
                Self::new(ErrorCode::InsufficientStock, "The rest is reserved.").details(vec![detail])
            }
            InventoryError::Raced => Self::unavailable(error, Duration::from_secs(1)),
            InventoryError::Db(error) => error.into(),
            InventoryError::Defect(error) => Self::internal(error),
        }
    }
}

//! What can go wrong with state.

use crate::error::ApiError;
use std::time::Duration;

/// How long a client should wait before it tries again what needed a Redis that is away.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why an operation on state has no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Redis did not answer in time or is away. Whether the operation took place is not known: it was not repeated.
    #[error("Redis is away: {0}")]
    Unavailable(String),
    /// The process keeps as many as `state.max_entries` allows.
    #[error("there is no room for another of the {0}; see state.max_entries")]
    Full(&'static str),
    /// The process is at its end.
    #[error("state is closed: the process is stopping")]
    Closed,
    /// The call makes no sense: a defect of the caller.
    #[error("{0}")]
    Invalid(&'static str),
    /// Redis answered, with an error that waiting does not cure: a right that is missing, no memory left, a defect.
    #[error("Redis refused: {0}")]
    Refused(String),
}

impl StateError {
    /// Whether the same call may well succeed a little later.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::Full(_) | Self::Closed => true,
            Self::Invalid(_) | Self::Refused(_) => false,
        }
    }

    pub(super) const fn outcome(&self) -> &'static str {
        if self.is_unavailable() { "unavailable" } else { "failed" }
    }
}

/// What is unavailable is a 503 with `Retry-After`; anything else is a defect on our side.
impl From<StateError> for ApiError {
    #[track_caller]
    fn from(error: StateError) -> Self {
        if error.is_unavailable() { Self::unavailable(error, RETRY_AFTER) } else { Self::internal(error) }
    }
}

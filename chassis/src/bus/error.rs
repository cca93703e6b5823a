//! Why the bus did not do what it was asked.

use std::fmt::Display;

/// Why the bus did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BusError {
    /// The broker is away, too slow, or short of something. The same may well succeed later.
    #[error("the broker is not available: {0}")]
    Unavailable(String),
    /// It will not be accepted as it is, however often it is tried.
    #[error("refused: {0}")]
    Refused(String),
    /// A record before it, of the same topic and key, was not confirmed; out of order it would do harm.
    #[error("held back: an earlier record of its key was not confirmed")]
    HeldBack,
}

impl BusError {
    /// Whether trying the same again can help.
    #[must_use]
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Unavailable(_) | Self::HeldBack => true,
            Self::Refused(_) => false,
        }
    }

    /// For the label `reason` of a metric.
    pub(super) const fn reason(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::Refused(_) => "refused",
            Self::HeldBack => "held_back",
        }
    }

    pub(super) fn unavailable(error: impl Display) -> Self {
        Self::Unavailable(error.to_string())
    }

    pub(super) fn closed() -> Self {
        Self::Unavailable("the bus is closed".to_owned())
    }

    pub(super) fn no_answer() -> Self {
        Self::Unavailable("no answer in time".to_owned())
    }
}

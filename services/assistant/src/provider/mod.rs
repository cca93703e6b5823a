//! Who answers: OpenAI-compatible APIs, in the order of the settings.
//!
//! What must hold: a key is in no log, no error and no `Debug`; of what a provider answers when it refuses, only the status and
//! a code of plain letters are told, because the rest may repeat what it was asked, or a part of the key.

pub mod chat;
pub mod offer;
mod reading;
mod sse;
pub mod upstream;

pub use reading::{Piece, Reading};

use chassis::http::outgoing::NoAnswer;
use std::time::Duration;

/// Why a provider gave no answer, or none that is whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was not asked, because it failed too often a moment ago.
    #[error("it failed too often a moment ago")]
    Open(Duration),
    /// Nobody was reached.
    #[error("it cannot be reached")]
    Unreachable,
    /// It does not take such a request: ours is wrong.
    #[error("it does not take the request: {status} {code}")]
    Refused {
        /// The status of its answer.
        status: u16,
        /// Its own code, when that is a plain word.
        code: String,
    },
    /// It cannot or will not answer now: its own fault, too many requests, or a key that it does not take.
    #[error("it does not answer now: {status} {code}")]
    Unwilling {
        /// The status of its answer.
        status: u16,
        /// Its own code, when that is a plain word.
        code: String,
        /// When it says that it may be asked again.
        retry_after: Option<Duration>,
    },
    /// It was asked, and the connection broke.
    #[error("the connection broke off")]
    BrokeOff,
    /// It was asked, and what it says is no answer of such an API.
    #[error("what it says cannot be read: {0}")]
    Nonsense(&'static str),
    /// It was asked, and has said nothing for too long.
    #[error("it said nothing for too long")]
    Silent,
}

impl Failure {
    /// Whether it may have worked, which costs.
    #[must_use]
    pub const fn may_have_used(&self) -> bool {
        matches!(self, Self::BrokeOff | Self::Nonsense(_) | Self::Silent)
    }

    /// Whether it did something wrong, and not we.
    #[must_use]
    pub const fn is_its_own(&self) -> bool {
        !matches!(self, Self::Refused { .. } | Self::Open(_))
    }

    /// When it may be worth asking again.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Open(after) => Some(*after),
            Self::Unwilling { retry_after, .. } => *retry_after,
            _ => None,
        }
    }
}

impl From<NoAnswer> for Failure {
    fn from(error: NoAnswer) -> Self {
        match error {
            NoAnswer::Unreachable => Self::Unreachable,
            NoAnswer::BrokeOff => Self::BrokeOff,
            NoAnswer::TooLong => Self::Nonsense("the answer is too long"),
        }
    }
}

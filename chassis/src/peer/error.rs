//! Why a peer gave no answer, and what that is to a client.

use crate::error::ApiError;
use crate::http::BodyFault;
use crate::resilience::{Full, Open};
use anyhow::anyhow;
use contract::ErrorCode;
use contract::client::CallError;
use std::time::Duration;

/// Why a peer gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum UpstreamError {
    /// No connection; the peer did not see the request.
    #[error("no connection: {0}")]
    Unreachable(String),
    /// It failed too often a moment ago and is left alone; the request was not sent.
    #[error("the peer is left alone: {0}")]
    Open(#[from] Open),
    /// There are too many calls to this peer already; the request was not sent.
    #[error("no room for another call: {0}")]
    Full(#[from] Full),
    /// The connection broke off, or what came is not HTTP.
    #[error("broken answer: {0}")]
    Broken(String),
    /// The deadline passed.
    #[error("no answer before the deadline")]
    Deadline,
    /// The body that was to be passed on did not come whole; the peer did not take it for whole either.
    #[error("the request was not passed on: {0}")]
    Body(#[from] BodyFault),
}

impl UpstreamError {
    /// Whether it is certain that no instance has seen the request.
    #[must_use]
    pub const fn is_unseen(&self) -> bool {
        matches!(self, Self::Unreachable(_) | Self::Open(_) | Self::Full(_))
    }
}

impl From<UpstreamError> for CallError {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Unreachable(why) => Self::Unreachable(why),
            UpstreamError::Open(_) | UpstreamError::Full(_) => Self::Unreachable(error.to_string()),
            UpstreamError::Broken(why) => Self::Broken(why),
            UpstreamError::Deadline => Self::Deadline,
            UpstreamError::Body(fault) => Self::Broken(fault.to_string()),
        }
    }
}

impl From<UpstreamError> for ApiError {
    #[track_caller]
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Unreachable(_) | UpstreamError::Full(_) => {
                Self::unavailable(anyhow!(error), Duration::from_secs(1))
            }
            UpstreamError::Open(Open { retry_after }) => {
                Self::unavailable(anyhow!(error), retry_after.max(Duration::from_secs(1)))
            }
            UpstreamError::Broken(_) => {
                Self::new(ErrorCode::BadGateway, "A service broke off its answer.").cause(anyhow!(error))
            }
            UpstreamError::Deadline => {
                let message = "A service did not answer in time; whether a change took effect is not known.";
                Self::new(ErrorCode::DeadlineExceeded, message).cause(anyhow!(error))
            }
            UpstreamError::Body(fault) => fault.into(),
        }
    }
}

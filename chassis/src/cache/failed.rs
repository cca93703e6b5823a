//! Why there is nothing to give.

use crate::db::{DbError, is_unavailable};
use crate::error::ApiError;
use contract::client::CallError;
use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// A load that failed; all who waited for it get the same.
#[derive(Debug, Clone)]
pub struct LoadFailed {
    unavailable: bool,
    cause: Arc<dyn Error + Send + Sync>,
}

impl LoadFailed {
    /// The source is away or too busy: it may pass, and an older copy may be given out meanwhile.
    pub fn unavailable(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { unavailable: true, cause: cause.into().into() }
    }

    /// A defect, which no older copy may hide.
    pub fn failed(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { unavailable: false, cause: cause.into().into() }
    }

    /// Whether it may pass.
    #[must_use]
    pub const fn is_unavailable(&self) -> bool {
        self.unavailable
    }
}

impl fmt::Display for LoadFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("what is not kept cannot be loaded")
    }
}

impl Error for LoadFailed {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.cause)
    }
}

impl From<DbError> for LoadFailed {
    fn from(error: DbError) -> Self {
        if is_unavailable(&error) { Self::unavailable(error) } else { Self::failed(error) }
    }
}

impl From<CallError> for LoadFailed {
    fn from(error: CallError) -> Self {
        let passes = match &error {
            CallError::Refused(detail) => detail.status >= 500 || detail.status == 429,
            CallError::Undecodable(_) => false,
            _ => true,
        };
        if passes { Self::unavailable(error) } else { Self::failed(error) }
    }
}

impl From<LoadFailed> for ApiError {
    #[track_caller]
    fn from(failed: LoadFailed) -> Self {
        if failed.unavailable { Self::unavailable(failed, RETRY_AFTER) } else { Self::internal(failed) }
    }
}

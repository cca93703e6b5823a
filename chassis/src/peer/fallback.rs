//! What stands in for the answer of a peer that gives none: the last one, then something that needs no peer.
//!
//! Only a peer that *fails* is stood in for. One that answers no (not found, not allowed, a conflict) has answered, and
//! whoever hides that shows people what is not theirs any more.

use arc_swap::ArcSwapOption;
use contract::client::CallError;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What is known instead of an answer, and how good it is. Whoever passes it on can say so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer<T> {
    /// The peer's own answer.
    Fresh(T),
    /// What it answered this long ago; now it fails.
    Stale(T, Duration),
    /// What is right without it.
    Degraded(T),
}

impl<T> Answer<T> {
    /// What is to be used, however good it is.
    pub fn into_inner(self) -> T {
        match self {
            Self::Fresh(value) | Self::Stale(value, _) | Self::Degraded(value) => value,
        }
    }

    /// Whether it is not the peer's own answer of now.
    pub const fn is_degraded(&self) -> bool {
        !matches!(self, Self::Fresh(_))
    }
}

/// Remembers the last answer to one question.
#[derive(Debug)]
pub struct Fallback<T> {
    longest: Duration,
    last: ArcSwapOption<(Instant, T)>,
}

impl<T: Clone> Fallback<T> {
    /// Answers are good enough for `longest` after they were given.
    #[must_use]
    pub fn new(longest: Duration) -> Self {
        Self { longest, last: ArcSwapOption::empty() }
    }

    /// Waits for an answer. When the peer fails it is the last one, and when that is too old or there was none, what
    /// `degraded` makes.
    ///
    /// # Errors
    /// When the peer answered that it will not: that is an answer.
    pub async fn ask(
        &self,
        call: impl Future<Output = Result<T, CallError>>,
        degraded: impl FnOnce(&CallError) -> T,
    ) -> Result<Answer<T>, CallError> {
        match call.await {
            Ok(value) => {
                self.last.store(Some(Arc::new((Instant::now(), value.clone()))));
                Ok(Answer::Fresh(value))
            }
            Err(error) if !error.is_failure() => Err(error),
            Err(error) => {
                let kept = self.last.load_full().map(|last| (last.0.elapsed(), last.1.clone()));
                let kept = kept.filter(|(age, _)| *age <= self.longest);
                Ok(kept.map_or_else(
                    || Answer::Degraded(degraded(&error)),
                    |(age, last)| Answer::Stale(last, age),
                ))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::error::{ErrorCode, ErrorDetail};

    fn refusal(code: ErrorCode) -> CallError {
        CallError::Refused(Box::new(ErrorDetail {
            code,
            message: String::new(),
            status: code.kind().status(),
            details: Vec::new(),
            request_id: String::new(),
            correlation_id: String::new(),
            timestamp: String::new(),
        }))
    }

    async fn ask(fallback: &Fallback<u32>, call: Result<u32, CallError>) -> Option<Answer<u32>> {
        fallback.ask(async { call }, |_| 0).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_fails_is_stood_in_for_by_its_last_answer_and_then_without_it() {
        let fallback = Fallback::new(Duration::from_secs(60));
        let away = || Err(CallError::Unreachable("refused".to_owned()));
        assert_eq!(ask(&fallback, away()).await, Some(Answer::Degraded(0)));
        assert_eq!(ask(&fallback, Ok(7)).await, Some(Answer::Fresh(7)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(ask(&fallback, away()).await, Some(Answer::Stale(7, Duration::from_secs(30))));
        let unable = || Err(refusal(ErrorCode::Unavailable));
        assert!(matches!(ask(&fallback, unable()).await, Some(Answer::Stale(7, _))));
        tokio::time::advance(Duration::from_secs(31)).await;
        assert_eq!(ask(&fallback, away()).await, Some(Answer::Degraded(0)));
    }

    #[tokio::test]
    async fn a_peer_that_says_no_is_not_stood_in_for() {
        let fallback = Fallback::new(Duration::from_secs(60));
        assert_eq!(ask(&fallback, Ok(7)).await, Some(Answer::Fresh(7)));
        for code in [ErrorCode::NotFound, ErrorCode::Forbidden] {
            assert_eq!(ask(&fallback, Err(refusal(code))).await, None, "{code:?}");
        }
    }
}

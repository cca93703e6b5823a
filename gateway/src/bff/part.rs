//! One part of a page: asked for with a deadline of its own, and told about when it is missing or old.

use chassis::cache::{Cache, Freshness, Keepable, LoadFailed};
use contract::bff::{Completeness, Missing, Part, WhyMissing};
use contract::client::CallError;
use metrics::counter;
use std::future::Future;
use std::time::Duration;
use tokio::time::timeout;

/// What became of a part.
#[derive(Debug)]
pub(super) enum Outcome<T> {
    /// Its service said so just now.
    Fresh(T),
    /// Its service said so before, and says nothing now.
    Stale(T),
    /// Its service said that there is no such thing.
    Nothing,
    /// It is not there.
    Missing(WhyMissing),
}

/// Waits for an answer of a peer that is there, and not for longer than this.
pub(super) async fn ask<C, T, F>(
    client: Option<&C>,
    within: Duration,
    call: impl FnOnce(C) -> F,
) -> Outcome<T>
where
    C: Clone,
    F: Future<Output = Result<T, CallError>>,
{
    let Some(client) = client else { return Outcome::Missing(WhyMissing::NotInstalled) };
    match timeout(within, call(client.clone())).await {
        Ok(Ok(value)) => Outcome::Fresh(value),
        Ok(Err(error)) => Outcome::Missing(why(&error)),
        Err(_) => Outcome::Missing(WhyMissing::TooSlow),
    }
}

/// What everybody sees the same of: asked for once for all who want it at the moment, and when the peer does not answer, what it
/// said last. The cache's policy says how long a load may take.
pub(super) async fn look<C, T, F>(
    cache: &Cache<T>,
    key: String,
    client: Option<&C>,
    call: impl FnOnce(C) -> F + Send + 'static,
) -> Outcome<T>
where
    C: Clone + Send + 'static,
    T: Keepable + Clone,
    F: Future<Output = Result<Option<T>, CallError>> + Send,
{
    let Some(client) = client.cloned() else { return Outcome::Missing(WhyMissing::NotInstalled) };
    match cache.get_or_load(key, move || call(client)).await {
        Ok(Some(kept)) if kept.freshness() == Freshness::Fresh => Outcome::Fresh(kept.into_inner()),
        Ok(Some(kept)) => Outcome::Stale(kept.into_inner()),
        Ok(None) => Outcome::Nothing,
        Err(failed) => Outcome::Missing(why_not_loaded(&failed)),
    }
}

fn why(error: &CallError) -> WhyMissing {
    tracing::warn!(error = %error, "a part of a page is missing");
    match error {
        CallError::Deadline => WhyMissing::TooSlow,
        error if error.is_failure() && !matches!(error, CallError::Undecodable(_)) => WhyMissing::Unavailable,
        _ => WhyMissing::Failed,
    }
}

fn why_not_loaded(failed: &LoadFailed) -> WhyMissing {
    let cause = std::error::Error::source(failed);
    match cause.and_then(|cause| cause.downcast_ref::<CallError>()) {
        Some(error) => why(error),
        // Without an answer of the peer it was the time that was over.
        None if failed.is_unavailable() => WhyMissing::TooSlow,
        None => WhyMissing::Failed,
    }
}

/// Puts a page together.
#[derive(Debug, Default)]
pub(super) struct Gathering(Completeness);

impl Gathering {
    /// The part, if it is there. What is not a list that may be empty is missing when there is no such thing.
    pub(super) fn take<T>(&mut self, part: Part, outcome: Outcome<T>) -> Option<T> {
        let (value, told) = match outcome {
            Outcome::Fresh(value) => (Some(value), "fresh"),
            Outcome::Stale(value) => {
                self.0.stale.push(part);
                (Some(value), "stale")
            }
            Outcome::Nothing => (None, "nothing"),
            Outcome::Missing(why) => {
                self.0.missing.push(Missing { part, why });
                (None, "missing")
            }
        };
        counter!("bff_parts_total", "part" => part.as_str(), "outcome" => told).increment(1);
        value
    }

    /// How complete the page is.
    pub(super) fn completeness(self) -> Completeness {
        self.0
    }
}

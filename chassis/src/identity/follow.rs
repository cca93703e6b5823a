//! Follows the auth service's feed: keys and revocations reach this process's verifier within one message.

use super::Verifier;
use crate::stop::Stop;
use backon::{BackoffBuilder, ExponentialBuilder};
use contract::auth::{Feed, FeedQuery};
use contract::client::{CallError, Caller};
use std::sync::Arc;
use std::time::Duration;

/// The name of the service that issues tokens.
pub const AUTH: &str = "auth";

/// Seconds that one question waits for news.
const WAIT_SECS: u64 = 5;

/// Keeps a verifier up to date until the stop. Failures are tried again with growing pauses, half a second at most:
/// a verifier that lags is worse than a question too many.
pub async fn follow(verifier: Arc<Verifier>, auth: Caller, stop: Stop) {
    let pauses = || {
        ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(20))
            .with_max_delay(Duration::from_millis(500))
            .with_jitter()
            .without_max_times()
            .build()
    };
    let mut query = FeedQuery::default();
    let mut pause = pauses();
    while !stop.is_stopping() {
        let asked = tokio::select! {
            asked = ask(&auth, &query) => asked,
            () = stop.stopping() => return,
        };
        match asked {
            Ok(feed) => {
                pause = pauses();
                if let Some(keys) = &feed.keys {
                    verifier.set_keys(keys);
                }
                feed.revocations.iter().for_each(|revocation| verifier.revoke(revocation));
                verifier.heard_now();
                query = FeedQuery { after: feed.cursor, keys: feed.keys_version, wait: WAIT_SECS };
            }
            Err(error) => {
                tracing::debug!(%error, "the auth service's feed does not answer");
                // Start over: a restored auth database may count from an earlier cursor.
                query = FeedQuery::default();
                tokio::select! {
                    () = tokio::time::sleep(pause.next().unwrap_or(Duration::from_millis(500))) => {}
                    () = stop.stopping() => return,
                }
            }
        }
    }
}

async fn ask(auth: &Caller, query: &FeedQuery) -> Result<Feed, CallError> {
    let FeedQuery { after, keys, wait } = query;
    auth.get(&format!("/internal/v1/auth/feed?after={after}&keys={keys}&wait={wait}")).await
}

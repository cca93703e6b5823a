//! Follows the auth service's feed: keys and revocations reach this process's verifier within one message.

use super::Verifier;
use crate::stop::Stop;
use backon::{BackoffBuilder, ExponentialBuilder};
use contract::auth::{Feed, FeedQuery};
use contract::client::{CallError, Caller};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The name of the service that issues tokens.
pub const AUTH: &str = "auth";

/// Seconds that one question waits for news.
const WAIT_SECS: u64 = 5;
/// How long an answer may take beyond that. A peer whose machine is gone says nothing at all.
const GRACE: Duration = Duration::from_secs(3);
/// The longest pause between questions: a verifier that lags is worse than a question too many.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Keeps a verifier up to date until the stop. Failures are tried again with growing pauses.
pub async fn follow(verifier: Arc<Verifier>, auth: Caller, stop: Stop) {
    let auth = auth.waiting();
    let mut query = FeedQuery::default();
    let mut pause = pauses();
    loop {
        let asked_at = Instant::now();
        let asked = tokio::select! {
            asked = ask(&auth, &query) => asked,
            () = stop.stopping() => return,
        };
        match asked {
            Ok(feed) => {
                let news = feed.keys.is_some() || !feed.revocations.is_empty();
                if let Some(keys) = &feed.keys {
                    verifier.set_keys(keys);
                }
                feed.revocations.iter().for_each(|revocation| verifier.revoke(revocation));
                // With some of the revocations only, a token may pass that another of them ends.
                if !feed.more {
                    verifier.heard_now();
                }
                query = FeedQuery { after: feed.cursor, keys: feed.keys_version, wait: WAIT_SECS };
                if news || asked_at.elapsed() >= LONGEST_PAUSE {
                    pause = pauses();
                    continue;
                }
                // It answered at once and had nothing to say, as one that stops does: do not ask without end.
            }
            Err(error) => {
                tracing::debug!(%error, "the auth service's feed does not answer");
                // Start over: a restored auth database may count from an earlier cursor.
                query = FeedQuery::default();
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause.next().unwrap_or(LONGEST_PAUSE)) => {}
            () = stop.stopping() => return,
        }
    }
}

fn pauses() -> backon::ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(20))
        // The jitter comes on top, and may double it.
        .with_max_delay(LONGEST_PAUSE / 2)
        .with_jitter()
        .without_max_times()
        .build()
}

async fn ask(auth: &Caller, query: &FeedQuery) -> Result<Feed, CallError> {
    let FeedQuery { after, keys, wait } = query;
    let path = format!("/internal/v1/auth/feed?after={after}&keys={keys}&wait={wait}");
    let patience = Duration::from_secs(*wait) + GRACE;
    tokio::time::timeout(patience, auth.get(&path)).await.unwrap_or(Err(CallError::Deadline))
}

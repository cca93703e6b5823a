//! What verifiers ask for: keys and revocations, as soon as there are new ones.

use super::App;
use crate::error::AuthResult;
use crate::store::revocation;
use contract::auth::{Feed, FeedQuery};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// Revocations in one answer.
const LIMIT: i64 = 1_000;

impl App {
    /// Answers at once when something is newer than what the query names, otherwise waits for that.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn feed(&self, query: &FeedQuery) -> AuthResult<Feed> {
        let until = Instant::now() + Duration::from_secs(query.wait);
        loop {
            // Enlisted before the store is read, so that no news falls between.
            let mut woken = std::pin::pin!(self.news.woken());
            woken.as_mut().enable();
            let feed = self.news_since(query).await?;
            let left = until.saturating_duration_since(Instant::now());
            if feed.keys.is_some() || !feed.revocations.is_empty() || left.is_zero() {
                return Ok(feed);
            }
            // Woken or not, the store is asked again.
            timeout(self.news.patience().min(left), woken).await.unwrap_or_default();
        }
    }

    async fn news_since(&self, query: &FeedQuery) -> AuthResult<Feed> {
        let now = self.clock.now();
        let revoked = revocation::list_after(&self.db, query.after, now, LIMIT).await?;
        let (keys, keys_version) = self.keys.published(now);
        let keys = (keys_version != query.keys).then_some(keys);
        let cursor = revoked.last().map_or(query.after, |last| last.seq);
        let more = revoked.len() as i64 == LIMIT;
        let revocations = revoked.into_iter().map(|numbered| numbered.revocation).collect();
        Ok(Feed { cursor, revocations, more, keys_version, keys })
    }
}

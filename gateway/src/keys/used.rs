//! Notes when keys were last used: about once a minute a key, beside the request and not in it.

use super::{Keys, store};
use chassis::clock::Ts;
use chassis::stop::Stop;
use contract::ids::ApiKeyId;
use metrics::counter;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use tokio::sync::Notify;

/// Keys that wait to be noted at most. What comes beyond that is noted with its next use a minute later.
const MOST: usize = 10_000;

/// What is to be noted.
#[derive(Debug, Default)]
pub(super) struct Used {
    waiting: Mutex<HashMap<ApiKeyId, Ts>>,
    news: Notify,
}

impl Used {
    pub(super) fn push(&self, id: ApiKeyId, at: Ts) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MOST || waiting.contains_key(&id) {
            waiting.insert(id, at);
            drop(waiting);
            self.news.notify_one();
        }
    }

    fn take(&self) -> HashMap<ApiKeyId, Ts> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The work, until the stop; what waits then is noted too.
pub(super) async fn note(keys: Keys, stop: Stop) -> anyhow::Result<()> {
    loop {
        let is_last = tokio::select! {
            () = keys.used.news.notified() => false,
            () = stop.stopping() => true,
        };
        keys.note_used().await;
        if is_last {
            return Ok(());
        }
    }
}

impl Keys {
    pub(super) async fn note_used(&self) {
        for (id, at) in self.used.take() {
            if let Err(error) = store::used(&self.db, id, at).await {
                counter!("gateway_api_key_uses_lost_total").increment(1);
                tracing::debug!(key = %id, %error, "it is not noted that a key was used");
            }
        }
    }
}

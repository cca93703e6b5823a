//! Follows the history and tells those who are connected to this process, until the stop; then they are sent away.

use super::Channel;
use super::hub::Fate;
use super::message::Message;
use super::store::{self, Part};
use chassis::db::DbError;
use chassis::stop::Stop;
use metrics::{counter, histogram};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Messages that are read at once.
const AT_ONCE: i64 = 500;
/// How long those who are sent away may take to be told so.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Sends everybody away when the work ends, however it does.
struct Closing<'a>(&'a Channel);

impl Drop for Closing<'_> {
    fn drop(&mut self) {
        self.0.hub.close();
    }
}

/// The work.
pub(super) async fn tail(channel: Channel, stop: Stop) -> anyhow::Result<()> {
    let closing = Closing(&channel);
    while !stop.is_stopping() {
        let mut woken = pin!(channel.added.woken());
        woken.as_mut().enable();
        match channel.look().await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => tracing::warn!(%error, "connected clients are told later"),
        }
        tokio::select! {
            () = woken => {}
            // However much was added, the others are woken once.
            () = channel.added_here.notified() => channel.added.all(),
            () = sleep(channel.added.patience()) => {}
            () = stop.stopping() => {}
        }
    }
    drop(closing);
    if timeout(LAST_WORDS, channel.hub.emptied()).await.is_err() {
        tracing::warn!("some connected clients could not be told that the process stops");
    }
    Ok(())
}

impl Channel {
    /// Tells what has been added. Says whether there may be more.
    pub(super) async fn look(&self) -> Result<bool, DbError> {
        if self.hub.is_empty() {
            let head = store::head(&self.db).await?;
            if self.hub.pass_if_empty(head.position) {
                return Ok(false);
            }
        }
        let after = self.hub.head();
        let rows = store::list(&self.db, Part { after, until: i64::MAX, most: AT_ONCE }).await?;
        let more = i64::try_from(rows.len()).is_ok_and(|read| read >= AT_ONCE);
        let mut expected = after + 1;
        for row in rows {
            if row.position != expected {
                // Removed before they were told: this process was away from its database for longer than they are kept.
                tracing::error!(expected, found = row.position, "messages are missing; clients begin anew");
                self.hub.end_those(|_| Some(Fate::Bye));
            }
            expected = row.position + 1;
            match Message::of(&row, &self.epoch) {
                Some(message) => self.tell(&Arc::new(message)),
                // Of a topic that a later release has.
                None => self.hub.pass(row.position),
            }
        }
        Ok(more)
    }

    fn tell(&self, message: &Arc<Message>) {
        let told = self.hub.tell(message);
        if told > 0 {
            counter!("live_told_total", "topic" => message.topic.as_str()).increment(told as u64);
            histogram!("live_delay_seconds").record(self.clock.now().since(message.at));
        }
    }
}

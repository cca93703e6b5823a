//! The worker that sends what is in the outbox.

use super::smtp::{SendError, Smtp};
use super::{MailRecord, Mailer, store};
use crate::db::DbError;
use crate::stop::Stop;
use backon::{BackoffBuilder, ExponentialBuilder};
use futures_util::future::join_all;
use metrics::counter;
use std::time::Duration;
use tokio::time::sleep;

/// Deliveries under way at once, in one process.
const SENDERS: usize = 4;
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(3_600);
/// What is kept of a server's answer.
const LONGEST_ERROR: usize = 500;

impl Mailer {
    /// Sends mail until the process stops. Finishes the mail in hand.
    ///
    /// Any number of processes may run it. A database that is away is waited for.
    pub async fn deliver_until(&self, stop: Stop) {
        match &self.0.smtp {
            Some(smtp) => drop(join_all((0..SENDERS).map(|_| self.send_until(smtp, &stop))).await),
            None => stop.stopping().await,
        }
    }

    async fn send_until(&self, smtp: &Smtp, stop: &Stop) {
        while !stop.is_stopping() {
            match self.send_one(smtp).await {
                Ok(true) => continue,
                Ok(false) => {}
                Err(error) => tracing::warn!(error = %error, "the mail outbox cannot be read"),
            }
            tokio::select! {
                // A commit since the look above has left its mark here.
                () = self.0.committed.notified() => {}
                () = sleep(self.0.config.poll()) => {}
                () = stop.stopping() => {}
            }
        }
    }

    /// Sends the mail that has been due for longest. Says whether there was one.
    async fn send_one(&self, smtp: &Smtp) -> Result<bool, DbError> {
        let (db, now) = (&self.0.db, self.0.clock.now());
        let Some(mail) = store::take_due(db, now, now + self.0.config.lease()).await? else {
            return Ok(false);
        };
        // A process that dies while sending leaves the attempt counted and nothing else.
        if mail.attempts > i64::from(self.0.config.max_attempts) {
            self.give_up(&mail, "the process ended during the last attempt").await?;
            return Ok(true);
        }
        match smtp.send(&mail, now).await {
            Ok(()) => {
                store::mark_sent(db, mail.id, self.0.clock.now()).await?;
                self.count("mail_sent_total", &mail);
                tracing::info!(mail.id = %mail.id, mail.kind, mail.attempts, "mail sent");
            }
            Err(SendError::Refused(error)) => self.give_up(&mail, &error).await?,
            Err(SendError::NotNow(error)) => self.try_again(&mail, &error).await?,
        }
        Ok(true)
    }

    async fn try_again(&self, mail: &MailRecord, error: &str) -> Result<(), DbError> {
        if mail.attempts >= i64::from(self.0.config.max_attempts) {
            return self.give_up(mail, error).await;
        }
        let pause = pause_after(mail.attempts);
        tracing::warn!(mail.id = %mail.id, mail.kind, mail.attempts, error, retry_in = ?pause, "mail not sent");
        store::mark_for_retry(&self.0.db, mail, short(error), self.0.clock.now() + pause).await
    }

    async fn give_up(&self, mail: &MailRecord, error: &str) -> Result<(), DbError> {
        if store::mark_failed(&self.0.db, mail, short(error)).await? {
            self.count("mail_failed_total", mail);
            tracing::error!(mail.id = %mail.id, mail.kind, mail.attempts, error, "mail given up");
        }
        Ok(())
    }

    /// Removes what has been kept long enough. Says how many.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep(&self) -> Result<u64, DbError> {
        store::remove_old(&self.0.db, self.0.clock.now() - self.0.config.keep()).await
    }

    fn count(&self, name: &'static str, mail: &MailRecord) {
        counter!(name, "service" => self.0.db.service().to_owned(), "kind" => mail.kind.clone()).increment(1);
    }
}

/// Ten seconds after the first failure, then twice as long each time up to an hour, plus up to as much again by chance.
fn pause_after(attempts: i64) -> Duration {
    let pauses = ExponentialBuilder::new()
        .with_factor(2.0)
        .with_min_delay(FIRST_PAUSE)
        .with_max_delay(LONGEST_PAUSE)
        .without_max_times()
        .with_jitter()
        .build();
    let place = usize::try_from(attempts.saturating_sub(1)).unwrap_or_default();
    pauses.into_iter().nth(place).unwrap_or(LONGEST_PAUSE)
}

fn short(error: &str) -> &str {
    error.get(..error.floor_char_boundary(LONGEST_ERROR)).unwrap_or(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_and_stays_within_two_hours() {
        let first = pause_after(1);
        assert!(first >= FIRST_PAUSE && first <= 2 * FIRST_PAUSE, "{first:?}");
        assert!(pause_after(4) >= Duration::from_secs(80));
        let late = pause_after(90);
        assert!(late >= LONGEST_PAUSE && late <= 2 * LONGEST_PAUSE, "{late:?}");
    }

    #[test]
    fn a_long_answer_is_cut_between_characters() {
        assert_eq!(short("no"), "no");
        assert_eq!(short(&"é".repeat(400)).chars().count(), 250);
    }
}

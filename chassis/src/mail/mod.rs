//! Mail that is sent if and only if the state change that asked for it was committed.
//!
//! [`Mailer::enqueue`] writes a row into `mail_outbox` in the caller's own transaction. With `SMTP_URL` the worker
//! ([`Mailer::deliver_until`]) sends it and tries again with growing pauses; without it the row stays `stored`, for a
//! person to look at: that is how links to verify an address reach a developer.
//!
//! What must hold:
//! - A mail is sent at least once. A process that dies between the server's "accepted" and the note about it sends the
//!   mail again, under the same `Message-ID`, which mail systems use to drop the second copy.
//! - The text of a mail may hold a one-time link: it is not in any log line, and it is emptied once the mail is sent or
//!   given up.
//! - Several processes share the work: a row is taken by a lease, and an answer that comes after the lease has passed
//!   to another does not overwrite what that one noted.
//!
//! What it does not do: it has no templates and no HTML; the words are the service's.

mod config;
mod deliver;
mod smtp;
mod store;

pub use config::MailConfig;
pub use store::{MailRecord, MailStatus};

use crate::clock::Clock;
use crate::db::{Db, DbError, Tx};
use crate::http::Page;
use secrecy::ExposeSecret;
use smtp::Smtp;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// A mail to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// Its subject; line breaks in it become spaces.
    pub subject: String,
    /// Its text, plain.
    pub text: String,
    /// What it is about, for metrics and for the one who looks: `verify_email`, `reset_password`.
    pub kind: &'static str,
}

/// Without the text, which may hold a one-time link.
impl fmt::Debug for Mail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mail").field("to", &self.to).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// The outbox of one service. Cheap to clone; clones share it.
#[derive(Debug, Clone)]
pub struct Mailer(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: MailConfig,
    db: Db,
    clock: Clock,
    smtp: Option<Smtp>,
    committed: Arc<Notify>,
}

impl Mailer {
    /// The outbox in `db`, which has the chassis' migrations.
    ///
    /// # Errors
    /// When the URL of the mail server or the sender's address cannot be read.
    pub fn new(config: MailConfig, db: Db, clock: Clock) -> anyhow::Result<Self> {
        let smtp = match &config.smtp_url {
            Some(url) => Some(Smtp::new(url.expose_secret(), &config.from, config.timeout())?),
            None => None,
        };
        Ok(Self(Arc::new(Inner { config, db, clock, smtp, committed: Arc::default() })))
    }

    /// Puts a mail into the outbox, in the caller's transaction: it exists when that is committed and not otherwise.
    /// Returns its id.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn enqueue(&self, t: &mut Tx, mail: Mail) -> Result<Uuid, DbError> {
        let status = if self.0.smtp.is_some() { MailStatus::Pending } else { MailStatus::Stored };
        let id = store::insert(t, &mail, status, self.0.clock.now()).await?;
        let committed = Arc::clone(&self.0.committed);
        t.after_commit(move || committed.notify_one());
        Ok(id)
    }

    /// The mails of the outbox, newest first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self, page: Page) -> Result<(Vec<MailRecord>, u64), DbError> {
        store::list(&self.0.db, page).await
    }

    /// One mail of the outbox.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn get(&self, id: Uuid) -> Result<Option<MailRecord>, DbError> {
        store::find(&self.0.db, id).await
    }
}

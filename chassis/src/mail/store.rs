//! The outbox in the database. `due_at` is also the lease: whoever takes a row moves it to where another may take it.

use super::Mail;
use crate::clock::Ts;
use crate::db::{AssertSqlSafe, Db, DbError, Tx};
use crate::http::Page;
use crate::q;
use serde::Serialize;
use std::fmt;
use uuid::Uuid;

/// How far a mail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MailStatus {
    /// To be sent.
    Pending,
    /// Kept to be looked at; there is no mail server.
    Stored,
    /// Accepted by the mail server.
    Sent,
    /// Given up.
    Failed,
}

impl MailStatus {
    /// Its text in the store and for people.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Stored => "stored",
            Self::Sent => "sent",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for MailStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl TryFrom<String> for MailStatus {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let all = [Self::Pending, Self::Stored, Self::Sent, Self::Failed];
        all.into_iter()
            .find(|status| status.as_str() == text)
            .ok_or_else(|| format!("no such mail status: {text}"))
    }
}

/// A mail of the outbox.
#[derive(Clone, PartialEq, Eq, Serialize, sqlx::FromRow)]
#[serde(rename_all = "camelCase")]
pub struct MailRecord {
    /// Its id, also in its `Message-ID`.
    pub id: Uuid,
    /// What it is about.
    pub kind: String,
    /// The address it goes to.
    #[sqlx(rename = "recipient")]
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text; empty once it is sent or given up.
    #[sqlx(rename = "body_text")]
    pub text: String,
    /// How far it has come.
    #[sqlx(try_from = "String")]
    pub status: MailStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// What the last failed try met.
    pub last_error: Option<String>,
    /// When it is tried next, if it is still to be sent.
    pub due_at: Ts,
    /// When it was asked for.
    pub created_at: Ts,
    /// When the mail server accepted it.
    pub sent_at: Option<Ts>,
}

/// Without the text, which may hold a one-time link.
impl fmt::Debug for MailRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("MailRecord");
        shown.field("id", &self.id).field("kind", &self.kind).field("to", &self.to);
        shown
            .field("status", &self.status)
            .field("attempts", &self.attempts)
            .field("last_error", &self.last_error);
        shown.finish_non_exhaustive()
    }
}

const COLUMNS: &str =
    "id, kind, recipient, subject, body_text, status, attempts, last_error, due_at, created_at, sent_at";

pub(super) async fn insert(t: &mut Tx, mail: &Mail, status: MailStatus, now: Ts) -> Result<Uuid, DbError> {
    let id = Uuid::now_v7();
    let subject = mail.subject.replace(|c: char| c.is_control(), " ");
    q!(
        t.tx,
        execute,
        "INSERT INTO mail_outbox (id, kind, recipient, subject, body_text, status, due_at, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
        id,
        mail.kind,
        &mail.to,
        &subject,
        &mail.text,
        status.as_str(),
        now
    )?;
    Ok(id)
}

pub(super) async fn list(db: &Db, page: Page) -> Result<(Vec<MailRecord>, u64), DbError> {
    let sql =
        format!("SELECT {COLUMNS} FROM mail_outbox ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2");
    let rows = q!(db.read, fetch_all, AssertSqlSafe(sql), i64::from(page.limit), page.offset())?;
    let total: i64 = q!(db.read, scalar, "SELECT count(*) FROM mail_outbox")?;
    Ok((rows, u64::try_from(total).unwrap_or_default()))
}

pub(super) async fn find(db: &Db, id: Uuid) -> Result<Option<MailRecord>, DbError> {
    let sql = format!("SELECT {COLUMNS} FROM mail_outbox WHERE id = $1");
    q!(db.read, fetch_optional, AssertSqlSafe(sql), id)
}

/// Takes the mail that has been due for longest, until `lease`.
pub(super) async fn take_due(db: &Db, now: Ts, lease: Ts) -> Result<Option<MailRecord>, DbError> {
    let sql = format!(
        "UPDATE mail_outbox SET attempts = attempts + 1, due_at = $2
         WHERE id = (SELECT id FROM mail_outbox WHERE status = 'pending' AND due_at <= $1 ORDER BY due_at LIMIT 1 {})
         RETURNING {COLUMNS}",
        db.skip_locked()
    );
    q!(db.write, fetch_optional, AssertSqlSafe(sql), now, lease)
}

/// Sent is sent, also when the lease has passed to another meanwhile.
pub(super) async fn mark_sent(db: &Db, id: Uuid, now: Ts) -> Result<(), DbError> {
    let sql = "UPDATE mail_outbox SET status = 'sent', sent_at = $2, body_text = '', last_error = NULL WHERE id = $1";
    q!(db.write, execute, sql, id, now).map(|_| ())
}

/// Notes a failed try, unless another has taken the mail meanwhile.
pub(super) async fn mark_for_retry(db: &Db, mail: &MailRecord, error: &str, due: Ts) -> Result<(), DbError> {
    let sql = "UPDATE mail_outbox SET last_error = $3, due_at = $4
               WHERE id = $1 AND attempts = $2 AND status = 'pending'";
    q!(db.write, execute, sql, mail.id, mail.attempts, error, due).map(|_| ())
}

/// Gives a mail up, unless another has taken it meanwhile. Says whether it did.
pub(super) async fn mark_failed(db: &Db, mail: &MailRecord, error: &str) -> Result<bool, DbError> {
    let sql = "UPDATE mail_outbox SET status = 'failed', last_error = $3, body_text = ''
               WHERE id = $1 AND attempts = $2 AND status = 'pending'";
    q!(db.write, execute, sql, mail.id, mail.attempts, error).map(|touched| touched == 1)
}

/// Removes what is not to be sent any more and was asked for before `before`.
pub(super) async fn remove_old(db: &Db, before: Ts) -> Result<u64, DbError> {
    q!(db.write, execute, "DELETE FROM mail_outbox WHERE created_at < $1 AND status <> 'pending'", before)
}

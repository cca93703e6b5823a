//! Setting a new password, by who can read the account's mail.
//!
//! Asking for the link costs the same and is answered the same whether there is such an account or not: the request is
//! written down, and a job looks the account up afterwards.

use super::register::known_of;
use super::{App, Client, lockout};
use crate::domain::audit::{AuditEvent, Origin};
use crate::domain::email::Email;
use crate::domain::one_time::Purpose;
use crate::error::{AuthError, AuthResult};
use crate::jobs::AnswerResetRequest;
use crate::store::{audit, one_time_token, session, user};
use chassis::db::Tx;
use chassis::jobs::When;
use contract::auth::{AuditAction, ForgotPassword, ResetPassword, Revoked, UserStatus};

impl App {
    /// Writes down that somebody asks for a link to set a new password. One request of an address that waits stands for
    /// all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forgot_password(&self, request: &ForgotPassword, client: &Client) -> AuthResult<Tx> {
        let email = Email::parse(&request.email).map_err(|_| AuthError::NotAnEmail)?;
        let mut tx = self.db.begin().await?;
        let task = AnswerResetRequest::of(&email, &client.origin);
        self.jobs.enqueue_once(&mut tx, email.as_str(), &task, When::Now).await?;
        Ok(tx)
    }

    /// Answers a request that was written down: mails a link if there is such an account in use.
    ///
    /// # Errors
    /// When the database fails; the request waits on.
    pub(crate) async fn answer_reset_request(
        &self,
        tx: &mut Tx,
        email: &Email,
        origin: &Origin,
    ) -> AuthResult<()> {
        let now = self.clock.now();
        let account = user::find_by_email_in(tx, email).await?;
        if let Some(account) = account.filter(|account| account.status == UserStatus::Active) {
            // Held, so that links are counted one after the other.
            user::lock(tx, account.id).await?;
            if self.mail_reset(tx, &account, now).await? {
                let event = AuditEvent::new(AuditAction::PasswordResetRequested, origin);
                audit::insert(tx, &event.about(account.id), now).await?;
            }
        }
        Ok(())
    }

    /// Sets a new password with the token of a mailed link. Every session ends, failed logins are forgiven, and the
    /// address is proved, because its owner has read the mail.
    ///
    /// # Errors
    /// [`AuthError::InvalidLink`], [`AuthError::WeakPassword`].
    pub async fn reset_password(&self, request: ResetPassword, client: &Client) -> AuthResult<()> {
        let token = Purpose::ResetPassword.hash(&request.token);
        let owner = one_time_token::find(&self.db, Purpose::ResetPassword, &token, self.clock.now()).await?;
        let account = match owner {
            Some(owner) => user::find(&self.db, owner).await?,
            None => None,
        };
        let account = account.ok_or(AuthError::InvalidLink)?;
        let about = known_of(&account.email, account.display_name.as_deref());
        let hash = self.hasher.hash_new(request.new_password, about).await;
        let hash = hash.map_err(AuthError::of_hasher("newPassword"))?;

        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if !user::reset_password(&mut tx, account.id, &hash, now).await? {
            return Err(AuthError::InvalidLink);
        }
        let taken = one_time_token::take(&mut tx, Purpose::ResetPassword, &token, now).await?;
        if taken != Some(account.id) {
            return Err(AuthError::InvalidLink);
        }
        one_time_token::delete_of_user(&mut tx, Purpose::ResetPassword, account.id).await?;
        user::verify_email(&mut tx, account.id, now).await?;
        self.views.user_changed(&mut tx, account.id);
        lockout::forgive(&mut tx, &account.email).await?;
        let version = user::bump_version(&mut tx, account.id).await?;
        let ended = session::end_all_of_user(&mut tx, account.id, None, now).await?;
        let event = AuditEvent::new(AuditAction::PasswordReset, &client.origin).own(account.id);
        audit::insert(&mut tx, &event.with("sessionsEnded", ended.len()), now).await?;
        self.mail_password_changed(&mut tx, &account.email).await?;
        self.revoke(&mut tx, vec![Revoked::User { user: account.id, version }], now).await?;
        Ok(tx.commit().await?)
    }
}

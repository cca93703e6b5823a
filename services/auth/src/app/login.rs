//! Logging in.
//!
//! An address without an account costs the same and is answered the same as a wrong password. After the free failures
//! an attempt is claimed before the password is looked at, so that a hundred guesses sent at once are one.

use super::lockout::{Admitted, Subject};
use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::email::Email;
use crate::domain::password::{PasswordHash, Verdict};
use crate::error::{AuthError, AuthResult};
use crate::hasher::HasherError;
use crate::store::user::User;
use crate::store::{audit, user};
use contract::auth::{AuditAction, Grant, Login, Password, UserStatus};

impl App {
    /// Compares address and password, and begins a session.
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`], [`AuthError::Locked`], [`AuthError::Busy`], and [`AuthError::Disabled`] for
    /// who knows the password of a disabled account.
    pub async fn login(&self, request: Login, client: &Client) -> AuthResult<Grant> {
        let email = Email::parse(&request.email).map_err(|_| AuthError::NotAnEmail)?;
        let mut subjects = vec![Subject::account(email.as_str())];
        subjects.extend(client.origin.ip.map(Subject::address));
        let admitted = self.admit(subjects, self.clock.now()).await?;

        let account = user::find_by_email(&self.db, &email).await?;
        let kept = account.as_ref().map(|account| account.password_hash.clone());
        let verdict = self.hasher.verify(request.password.clone(), kept).await;
        match (verdict.map_err(AuthError::of_hasher("password"))?, account) {
            (Verdict::Match { outdated }, Some(account)) => {
                let fresh = if outdated { self.rehashed(request.password).await? } else { None };
                self.enter(&account, fresh, client, request.device, &admitted).await
            }
            (_, account) => self.refuse(account.as_ref(), client, &admitted).await,
        }
    }

    /// A hash of today's kind; `None` when the hasher has no room: it can wait until the next login.
    async fn rehashed(&self, password: Password) -> AuthResult<Option<PasswordHash>> {
        match self.hasher.rehash(password).await {
            Ok(hash) => Ok(Some(hash)),
            Err(HasherError::Busy) => Ok(None),
            Err(error) => Err(AuthError::Defect(error.into())),
        }
    }

    async fn enter(
        &self,
        account: &User,
        fresh: Option<PasswordHash>,
        client: &Client,
        device: Option<String>,
        admitted: &Admitted,
    ) -> AuthResult<Grant> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if account.status == UserStatus::Disabled {
            let event = AuditEvent::new(AuditAction::LoginFailed, &client.origin).about(account.id);
            audit::insert(&mut tx, &event.with("reason", "disabled"), now).await?;
            tx.commit().await?;
            return Err(AuthError::Disabled);
        }
        // The password was compared before the row was held: it counts only if it is still the one.
        if !user::note_login(&mut tx, account, now).await? {
            return Err(AuthError::InvalidCredentials);
        }
        if let Some(fresh) = fresh
            && user::rehash(&mut tx, account, &fresh).await?
        {
            let event = AuditEvent::new(AuditAction::PasswordRehashed, &client.origin).own(account.id);
            audit::insert(&mut tx, &event, now).await?;
        }
        admitted.succeeded(&mut tx, now).await?;
        let account = user::find_in(&mut tx, account.id).await?.ok_or(AuthError::InvalidCredentials)?;
        let started = self.start_session(&mut tx, &account, client, device, now).await?;
        let event = AuditEvent::new(AuditAction::LoginSucceeded, &client.origin).own(account.id);
        audit::insert(&mut tx, &event.session(started.id), now).await?;
        self.revoke(&mut tx, started.evicted, now).await?;
        tx.commit().await?;
        metrics::counter!("auth_logins_total", "outcome" => "succeeded").increment(1);
        Ok(Grant { user: account.view(), tokens: started.tokens })
    }

    async fn refuse(
        &self,
        account: Option<&User>,
        client: &Client,
        admitted: &Admitted,
    ) -> AuthResult<Grant> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        let locked = admitted.failed(&mut tx, now).await?;
        let event = |action| {
            let event = AuditEvent::new(action, &client.origin);
            account.map_or(event.clone(), |account| event.about(account.id))
        };
        audit::insert(&mut tx, &event(AuditAction::LoginFailed), now).await?;
        if locked {
            audit::insert(&mut tx, &event(AuditAction::LoginLocked), now).await?;
        }
        tx.commit().await?;
        metrics::counter!("auth_logins_total", "outcome" => "failed").increment(1);
        Err(AuthError::InvalidCredentials)
    }
}

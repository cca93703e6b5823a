//! Setting a new password, by who knows the old one.

use super::lockout::Subject;
use super::register::known_of;
use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::one_time::Purpose;
use crate::domain::password::Verdict;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, one_time_token, session, user};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use chassis::identity::Principal;
use contract::auth::{AuditAction, ChangePassword, Revoked};

impl App {
    /// Sets a new password. The other sessions end; the one that asks goes on with the tokens that it has.
    ///
    /// # Errors
    /// [`AuthError::InvalidCredentials`] for a wrong old password, [`AuthError::Locked`] after too many of them,
    /// [`AuthError::WeakPassword`] and [`AuthError::SamePassword`] for the new one.
    pub async fn change_password(
        &self,
        who: &Principal,
        request: ChangePassword,
        client: &Client,
    ) -> AuthResult<()> {
        let ChangePassword { current_password, new_password } = request;
        let account = user::find(&self.db, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        let admitted = self.admit(vec![Subject::password_of(account.id)], self.clock.now()).await?;
        let kept = Some(account.password_hash.clone());
        let verdict = self.hasher.verify(current_password.clone(), kept).await;
        if verdict.map_err(AuthError::of_hasher("currentPassword"))? == Verdict::Mismatch {
            let now = self.clock.now();
            let mut tx = self.db.begin().await?;
            admitted.failed(&mut tx, now).await?;
            let event = AuditEvent::new(AuditAction::PasswordChangeFailed, &client.origin).own(account.id);
            audit::insert(&mut tx, &event.session(who.session()), now).await?;
            tx.commit().await?;
            return Err(AuthError::InvalidCredentials);
        }
        let (old, new) = (current_password.expose().as_bytes(), new_password.expose().as_bytes());
        if verify_slices_are_equal(old, new).is_ok() {
            return Err(AuthError::SamePassword);
        }
        let about = known_of(&account.email, account.display_name.as_deref());
        let hash = self.hasher.hash_new(new_password, about).await;
        let hash = hash.map_err(AuthError::of_hasher("newPassword"))?;

        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if !user::change_password(&mut tx, &account, &hash, now).await? {
            return Err(AuthError::InvalidCredentials);
        }
        self.views.user_changed(&mut tx, account.id);
        admitted.succeeded(&mut tx, now).await?;
        one_time_token::delete_of_user(&mut tx, Purpose::ResetPassword, account.id).await?;
        let ended = session::end_all_of_user(&mut tx, account.id, Some(who.session()), now).await?;
        let event = AuditEvent::new(AuditAction::PasswordChanged, &client.origin).own(account.id);
        let event = event.session(who.session()).with("sessionsEnded", ended.len());
        audit::insert(&mut tx, &event, now).await?;
        self.mail_password_changed(&mut tx, &account.email).await?;
        let revoked = ended.into_iter().map(|session| Revoked::Session { session }).collect();
        self.revoke(&mut tx, revoked, now).await?;
        Ok(tx.commit().await?)
    }
}

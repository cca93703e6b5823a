//! Proving an address.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::one_time::Purpose;
use crate::error::{AuthError, AuthResult};
use crate::store::{audit, one_time_token, user};
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::auth::{AuditAction, User, VerifyEmail};

impl App {
    /// Proves an address with the token of a mailed link.
    ///
    /// # Errors
    /// [`AuthError::InvalidLink`].
    pub async fn verify_email(&self, request: &VerifyEmail, client: &Client) -> AuthResult<(Tx, User)> {
        let now = self.clock.now();
        let token = Purpose::VerifyEmail.hash(&request.token);
        let mut tx = self.db.begin().await?;
        let owner = one_time_token::take(&mut tx, Purpose::VerifyEmail, &token, now).await?;
        let owner = owner.ok_or(AuthError::InvalidLink)?;
        user::verify_email(&mut tx, owner, now).await?;
        self.views.user_changed(&mut tx, owner);
        one_time_token::delete_of_user(&mut tx, Purpose::VerifyEmail, owner).await?;
        let event = AuditEvent::new(AuditAction::EmailVerified, &client.origin).own(owner);
        audit::insert(&mut tx, &event, now).await?;
        let account = user::find_in(&mut tx, owner).await?.ok_or(AuthError::InvalidLink)?;
        Ok((tx, account.view()))
    }

    /// Mails another link to prove the address, unless it is proved or too many were mailed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn resend_verification(&self, who: &Principal, client: &Client) -> AuthResult<Tx> {
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        // Held, so that many who ask at once are counted one after the other.
        user::lock(&mut tx, who.user()).await?;
        let account = user::find_in(&mut tx, who.user()).await?.ok_or(AuthError::NotFound("account"))?;
        if account.email_verified_at.is_none() && self.mail_verification(&mut tx, &account, now).await? {
            let event = AuditEvent::new(AuditAction::EmailVerificationRequested, &client.origin);
            audit::insert(&mut tx, &event.own(account.id), now).await?;
        }
        Ok(tx)
    }
}

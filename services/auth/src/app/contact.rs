//! How a person is reached, for services that write to them.

use super::App;
use crate::error::{AuthError, AuthResult};
use crate::store::user;
use contract::auth::{Contact, UserStatus};
use contract::ids::UserId;

impl App {
    /// The address of an account as it is now, never from a copy: mail to an address that somebody has left would be read by
    /// another.
    ///
    /// # Errors
    /// [`AuthError::NotFound`].
    pub async fn contact(&self, user: UserId) -> AuthResult<Contact> {
        let account = user::find(&self.db, user).await?.ok_or(AuthError::NotFound("account"))?;
        Ok(Contact {
            email: account.email,
            verified: account.email_verified_at.is_some(),
            display_name: account.display_name,
            active: account.status == UserStatus::Active,
        })
    }
}

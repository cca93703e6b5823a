//! Making an account.

use super::{App, Client};
use crate::domain::audit::AuditEvent;
use crate::domain::email::Email;
use crate::error::{AuthError, AuthResult};
use crate::store::user::User;
use crate::store::{audit, user};
use contract::auth::{AuditAction, Grant, Register, UserRegistered};
use contract::identity::Role;

impl App {
    /// Makes an account, mails the link to prove its address, and logs in.
    ///
    /// # Errors
    /// [`AuthError::RegistrationClosed`]; [`AuthError::EmailTaken`], also for all but one of many who register an address at the same time;
    /// [`AuthError::WeakPassword`].
    pub async fn register(&self, request: Register, client: &Client) -> AuthResult<Grant> {
        if !self.registration.is_on() {
            return Err(AuthError::RegistrationClosed);
        }
        let email = Email::parse(&request.email).map_err(|_| AuthError::NotAnEmail)?;
        // Spares the hash when the answer is known; the unique index decides when it is not.
        if user::find_by_email(&self.db, &email).await?.is_some() {
            return Err(AuthError::EmailTaken);
        }
        let name = request.display_name.map(|name| name.trim().to_owned());
        let about = known_of(email.as_str(), name.as_deref());
        let hash =
            self.hasher.hash_new(request.password, about).await.map_err(AuthError::of_hasher("password"))?;

        let now = self.clock.now();
        let account = User::new(&email, name, hash, vec![Role::User], now);
        let mut tx = self.db.begin().await?;
        if !user::insert(&mut tx, &account).await? {
            return Err(AuthError::EmailTaken);
        }
        let event = AuditEvent::new(AuditAction::UserRegistered, &client.origin).own(account.id);
        audit::insert(&mut tx, &event, now).await?;
        self.mail_verification(&mut tx, &account, now).await?;
        let started = self.start_session(&mut tx, &account, client, request.device, now).await?;
        self.outbox.publish(&mut tx, &UserRegistered { user: account.id }).await?;
        tx.commit().await?;
        Ok(Grant { user: account.view(), tokens: started.tokens })
    }
}

/// What an attacker knows of a person and tries first as their password.
pub(crate) fn known_of(email: &str, name: Option<&str>) -> Vec<String> {
    let words = |text: &str| -> Vec<String> {
        text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 2).map(str::to_owned).collect()
    };
    let mut known = vec!["bowline".to_owned(), email.to_owned()];
    known.extend(email.split_once('@').map(|(local, _)| local.to_owned()));
    known.extend(words(email));
    known.extend(name.map(str::to_owned));
    known.extend(name.iter().flat_map(|name| words(name)));
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_of_a_name_and_of_an_address_are_known() {
        let known = known_of("ada.lovelace@example.org", Some("Ada King"));
        for word in ["ada.lovelace@example.org", "ada.lovelace", "lovelace", "example", "Ada King", "King"] {
            assert!(known.iter().any(|known| known == word), "{word} in {known:?}");
        }
    }
}

//! Mail of this service. Links lead to the pages of whoever builds them; the token stands behind a `#`, so that no
//! server, proxy or `Referer` ever sees it. The text of a mail is never logged.

use super::App;
use crate::domain::one_time::{OneTimeToken, Purpose};
use crate::error::AuthResult;
use crate::store::one_time_token;
use crate::store::user::User;
use chassis::clock::Ts;
use chassis::db::{DbError, Tx};
use chassis::mail::Mail;
use contract::auth::Token;
use std::time::Duration;

/// Mails of one kind to one person: at most one in this time.
const PAUSE: Duration = Duration::from_secs(60);
/// Mails of one kind to one person in an hour.
const AN_HOUR: i64 = 5;

/// Where mailed links lead to.
#[derive(Debug, Clone)]
pub(crate) struct Links(String);

impl Links {
    pub(super) fn new(base: &str) -> Self {
        Self(base.trim_end_matches('/').to_owned())
    }

    fn to(&self, page: &str, token: &Token) -> String {
        format!("{}/{page}#token={}", self.0, token.expose())
    }

    /// The mail with the link that proves an address.
    fn verify(&self, to: &str, token: &Token, lifetime: Duration) -> Mail {
        let text = format!(
            "Welcome.\n\nProve that this address is yours:\n\n{}\n\nThe link works once, for {}. Without this page, \
             send the token to POST /api/v1/auth/email/verify.\n\nIf you did not ask for an account, do nothing.\n",
            self.to("verify-email", token),
            span(lifetime)
        );
        mail("verify_email", to, "Prove your e-mail address", text)
    }

    /// The mail with the link that sets a new password.
    fn reset(&self, to: &str, token: &Token, lifetime: Duration) -> Mail {
        let text = format!(
            "Somebody asked for a new password for your account. Set it here:\n\n{}\n\nThe link works once, for {}. \
             Without this page, send the token to POST /api/v1/auth/password/reset.\n\nIf it was not you, do nothing: \
             your password stays as it is.\n",
            self.to("reset-password", token),
            span(lifetime)
        );
        mail("reset_password", to, "Set a new password", text)
    }

    /// The mail that says that the password is another one.
    fn changed(&self, to: &str) -> Mail {
        let text = format!(
            "The password of your account was changed, and your other sessions have ended.\n\nIf it was not you, set \
             a new password at once: {}/forgot-password\n",
            self.0
        );
        mail("password_changed", to, "Your password was changed", text)
    }

    /// The mail with the link that joins an organisation.
    pub(super) fn invite(&self, to: &str, organization: &str, token: &Token, lifetime: Duration) -> Mail {
        let text = format!(
            "You are invited to join {organization}.\n\nLog in with this address, or make an account for it, and \
             accept:\n\n{}\n\nThe link works once, for {}. Without this page, send the token to \
             POST /api/v1/organizations/invitations/accept.\n\nIf you do not know them, do nothing.\n",
            self.to("accept-invitation", token),
            span(lifetime)
        );
        mail("invitation", to, &format!("Join {organization}"), text)
    }
}

fn mail(kind: &'static str, to: &str, subject: &str, text: String) -> Mail {
    Mail { to: to.to_owned(), subject: subject.to_owned(), text, kind }
}

/// A length of time in words.
fn span(length: Duration) -> String {
    let minutes = length.as_secs().div_ceil(60);
    match minutes {
        0..=119 => format!("{minutes} minutes"),
        120..=2879 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1_440),
    }
}

impl App {
    /// Mails the link that proves an address. `false` when too many were mailed lately; the caller holds the account.
    pub(super) async fn mail_verification(&self, tx: &mut Tx, user: &User, now: Ts) -> AuthResult<bool> {
        let lifetime = self.verify_link;
        let Some(token) = self.one_time(tx, Purpose::VerifyEmail, user, lifetime, now).await? else {
            return Ok(false);
        };
        self.mailer.enqueue(tx, self.links.verify(&user.email, &token, lifetime)).await?;
        Ok(true)
    }

    /// Mails the link that sets a new password. `false` when too many were mailed lately; the caller holds the account.
    pub(super) async fn mail_reset(&self, tx: &mut Tx, user: &User, now: Ts) -> AuthResult<bool> {
        let lifetime = self.reset_link;
        let Some(token) = self.one_time(tx, Purpose::ResetPassword, user, lifetime, now).await? else {
            return Ok(false);
        };
        self.mailer.enqueue(tx, self.links.reset(&user.email, &token, lifetime)).await?;
        Ok(true)
    }

    /// Mails that the password is another one.
    pub(super) async fn mail_password_changed(&self, tx: &mut Tx, to: &str) -> Result<(), DbError> {
        self.mailer.enqueue(tx, self.links.changed(to)).await?;
        Ok(())
    }

    async fn one_time(
        &self,
        tx: &mut Tx,
        purpose: Purpose,
        user: &User,
        lifetime: Duration,
        now: Ts,
    ) -> AuthResult<Option<Token>> {
        let hour_ago = now - Duration::from_secs(3_600);
        let (made, last) = one_time_token::made_since(tx, purpose, user.id, hour_ago).await?;
        if made >= AN_HOUR || last.is_some_and(|last| now.since(last) < PAUSE) {
            return Ok(None);
        }
        let OneTimeToken { token, hash } = OneTimeToken::new(purpose).map_err(anyhow::Error::from)?;
        one_time_token::insert(tx, purpose, &hash, user.id, now, now + lifetime).await?;
        Ok(Some(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_stands_where_no_server_sees_it() {
        let links = Links::new("https://shop.example/");
        let mail = links.reset("ada@example.org", &Token::new("abc"), Duration::from_secs(1_800));
        assert!(mail.text.contains("https://shop.example/reset-password#token=abc\n"), "{}", mail.text);
        assert!(!format!("{mail:?}").contains("abc"));
    }

    #[test]
    fn a_length_of_time_is_said_in_fitting_words() {
        let words = |secs| span(Duration::from_secs(secs));
        assert_eq!([words(1_800), words(86_400), words(7 * 86_400)], ["30 minutes", "24 hours", "7 days"]);
    }
}

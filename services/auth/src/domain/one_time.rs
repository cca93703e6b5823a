//! Tokens of mailed links: random, good for one purpose, once, for a while. The store has their hash.

use crate::domain::sealed::SealBroken;
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::auth::Token;
use std::fmt;

/// What a token is good for. It is part of the hash: a token for one purpose is unknown to every other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Proves an address.
    VerifyEmail,
    /// Sets a new password.
    ResetPassword,
    /// Joins an organisation.
    AcceptInvitation,
}

impl Purpose {
    /// The text in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::AcceptInvitation => "accept_invitation",
        }
    }

    /// The hash that the store has of a token that a client sent. Any text has one; only that of a token is found.
    #[must_use]
    pub fn hash(self, token: &Token) -> Vec<u8> {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(self.as_str().as_bytes());
        context.update(b"\0");
        context.update(token.expose().as_bytes());
        context.finish().as_ref().to_vec()
    }
}

/// A token in clear, on its way into a mail.
pub struct OneTimeToken {
    /// For the link.
    pub token: Token,
    /// For the store.
    pub hash: Vec<u8>,
}

impl fmt::Debug for OneTimeToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeToken(***)")
    }
}

impl OneTimeToken {
    /// A new token for this purpose, of 32 random bytes.
    ///
    /// # Errors
    /// [`SealBroken`] when the system has no randomness.
    pub fn new(purpose: Purpose) -> Result<Self, SealBroken> {
        let mut bytes = [0_u8; 32];
        rand::fill(&mut bytes)?;
        let token = Token::new(URL_SAFE_NO_PAD.encode(bytes));
        let hash = purpose.hash(&token);
        Ok(Self { token, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_leads_to_the_kept_hash() {
        let made = OneTimeToken::new(Purpose::ResetPassword).unwrap();
        assert_eq!(Purpose::ResetPassword.hash(&made.token), made.hash);
    }

    #[test]
    fn a_token_for_one_purpose_is_unknown_to_another() {
        let made = OneTimeToken::new(Purpose::VerifyEmail).unwrap();
        assert_ne!(Purpose::ResetPassword.hash(&made.token), made.hash);
    }

    #[test]
    fn two_tokens_differ_and_neither_shows_itself() {
        let make = || OneTimeToken::new(Purpose::VerifyEmail).unwrap();
        let (one, two) = (make(), make());
        assert_ne!(one.token.expose(), two.token.expose());
        assert!(!format!("{one:?}").contains(one.token.expose()));
    }
}

//! Whose a cart is: a person's, or a guest's who has its secret.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::auth::Token;
use contract::ids::UserId;
use uuid::Uuid;

/// Whose a cart is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shopper {
    /// Somebody who is logged in.
    User(UserId),
    /// Whoever has the secret.
    Guest(SecretHash),
}

impl Shopper {
    /// The person, for a store.
    #[must_use]
    pub const fn user(&self) -> Option<Uuid> {
        match self {
            Self::User(user) => Some(user.uuid()),
            Self::Guest(_) => None,
        }
    }

    /// The hash of the secret, for a store.
    #[must_use]
    pub fn secret_hash(&self) -> Option<&[u8]> {
        match self {
            Self::User(_) => None,
            Self::Guest(hash) => Some(&hash.0),
        }
    }
}

/// SHA-256 of a guest's secret, which is all that is kept of it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHash([u8; 32]);

impl std::fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretHash(***)")
    }
}

impl SecretHash {
    /// The hash of what somebody sent. Any text has one; only that of a secret is found.
    #[must_use]
    pub fn of(secret: &Token) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, secret.expose().as_bytes()).as_ref());
        Self(hash)
    }
}

/// A new secret, of 32 random bytes.
///
/// # Errors
/// When the system has no randomness.
pub fn new_secret() -> Result<Token, Unspecified> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes)?;
    Ok(Token::new(URL_SAFE_NO_PAD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ_and_neither_they_nor_their_hashes_show_themselves() {
        let (one, two) = (new_secret().unwrap(), new_secret().unwrap());
        assert_ne!(SecretHash::of(&one), SecretHash::of(&two));
        assert_eq!(one.expose().len(), 43);
        assert!(!format!("{:?} {:?}", one, Shopper::Guest(SecretHash::of(&one))).contains(one.expose()));
        assert_eq!(format!("{:?}", SecretHash::of(&one)), "SecretHash(***)");
    }

    #[test]
    fn a_cart_is_a_persons_or_of_whoever_has_the_secret() {
        let guest = Shopper::Guest(SecretHash::of(&new_secret().unwrap()));
        assert!(guest.user().is_none() && guest.secret_hash().is_some_and(|hash| hash.len() == 32));
        let user = Shopper::User(UserId::new());
        assert!(user.user().is_some() && user.secret_hash().is_none());
    }
}

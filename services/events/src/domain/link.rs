//! The secret of a calendar feed. It is told once and kept as a hash.

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::auth::Token;

/// Part of the hash: the same secret elsewhere is another one.
const PURPOSE: &[u8] = b"events-calendar\0";

/// A new secret of 32 random bytes.
///
/// # Errors
/// When the system has no randomness.
pub fn new() -> Result<Token, Unspecified> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes)?;
    Ok(Token::new(URL_SAFE_NO_PAD.encode(bytes)))
}

/// What is kept of a secret. Any text has a hash; only that of a secret of ours is found.
#[must_use]
pub fn hash(token: &Token) -> Vec<u8> {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(PURPOSE);
    context.update(token.expose().as_bytes());
    context.finish().as_ref().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_differ_and_so_do_their_hashes() {
        let (one, two) = (new().unwrap(), new().unwrap());
        assert_ne!(one.expose(), two.expose());
        assert_ne!(hash(&one), hash(&two));
        assert_eq!(hash(&one), hash(&Token::new(one.expose())));
        assert_eq!(one.expose().len(), 43);
    }
}

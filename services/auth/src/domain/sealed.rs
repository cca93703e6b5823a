//! Sealing: AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) derives from a secret.
//!
//! A label keeps the keys of different purposes apart, and what a sealed text belongs to is authenticated beside it, so
//! that it cannot be moved to another row. The nonce is random and stands before the sealed text.

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};

/// The cipher refused: a wrong key, a text that was changed or moved, or no randomness.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed text does not open with this key")]
pub struct SealBroken;

impl From<aws_lc_rs::error::Unspecified> for SealBroken {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self
    }
}

/// A key for one purpose.
pub struct SealingKey(RandomizedNonceKey);

impl SealingKey {
    /// The key that follows from `secret` for the purpose `label`.
    ///
    /// # Errors
    /// [`SealBroken`] when the cipher library refuses, which it has no reason to.
    pub fn derive(secret: &[u8], label: &str) -> Result<Self, SealBroken> {
        let mut key = [0_u8; 32];
        let prk = Salt::new(HKDF_SHA256, b"bowline identity").extract(secret);
        prk.expand(&[label.as_bytes()], HKDF_SHA256)?.fill(&mut key)?;
        let sealing = RandomizedNonceKey::new(&AES_256_GCM, &key);
        key.fill(0);
        Ok(Self(sealing?))
    }

    /// Seals a text that belongs to `owner`.
    ///
    /// # Errors
    /// [`SealBroken`] when the system has no randomness.
    pub fn seal(&self, owner: &[u8], text: &[u8]) -> Result<Vec<u8>, SealBroken> {
        let mut sealed = text.to_vec();
        let nonce = self.0.seal_in_place_append_tag(Aad::from(owner), &mut sealed)?;
        Ok([nonce.as_ref().as_slice(), &sealed].concat())
    }

    /// Opens what was sealed for `owner`.
    ///
    /// # Errors
    /// [`SealBroken`] for another key, another owner, or a text that was changed.
    pub fn open(&self, owner: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealBroken> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(SealBroken)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce)?;
        let mut text = text.to_vec();
        let opened = self.0.open_in_place(nonce, Aad::from(owner), &mut text)?;
        Ok(opened.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_text_opens_only_for_its_owner_purpose_and_secret() {
        let key = SealingKey::derive(b"secret", "a").unwrap();
        let sealed = key.seal(b"owner", b"text").unwrap();
        assert_eq!(key.open(b"owner", &sealed).unwrap(), b"text");
        assert_eq!(key.open(b"thief", &sealed), Err(SealBroken));
        assert_eq!(SealingKey::derive(b"secret", "b").unwrap().open(b"owner", &sealed), Err(SealBroken));
        assert_eq!(SealingKey::derive(b"guess", "a").unwrap().open(b"owner", &sealed), Err(SealBroken));
    }

    #[test]
    fn a_changed_or_cut_text_does_not_open() {
        let key = SealingKey::derive(b"secret", "a").unwrap();
        let sealed = key.seal(b"", b"text").unwrap();
        for byte in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[byte] ^= 1;
            assert_eq!(key.open(b"", &changed), Err(SealBroken));
            assert_eq!(key.open(b"", &sealed[..byte]), Err(SealBroken));
        }
    }

    #[test]
    fn the_same_text_is_sealed_differently_each_time() {
        let key = SealingKey::derive(b"secret", "a").unwrap();
        assert_ne!(key.seal(b"", b"text").unwrap(), key.seal(b"", b"text").unwrap());
    }
}

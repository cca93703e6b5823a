//! Texts that only this gateway can write and read: what stands in its cookies.
//!
//! AES-256-GCM with a key for each purpose, derived from the secret of the settings. A text that was sealed for one purpose is
//! none for another. It says nothing of time: what is sealed carries its own end.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Letters of a sealed text that are looked at, at most: browsers keep no longer cookie.
const LONGEST: usize = 4_096;

/// Seals for one purpose.
pub(super) struct Sealer(LessSafeKey);

impl Sealer {
    /// # Errors
    /// When the key cannot be made, which is a defect.
    pub(super) fn new(secret: &SecretString, purpose: &str) -> anyhow::Result<Self> {
        let salt = Salt::new(HKDF_SHA256, b"bowline gateway cookie");
        let extracted = salt.extract(secret.expose_secret().as_bytes());
        let info = [purpose.as_bytes()];
        let derived =
            extracted.expand(&info, &AES_256_GCM).map_err(|_| anyhow::anyhow!("no key for {purpose}"))?;
        Ok(Self(LessSafeKey::new(UnboundKey::from(derived))))
    }

    /// Seals something.
    ///
    /// # Errors
    /// When it cannot be written, or the system has no randomness.
    pub(super) fn seal(&self, what: &impl Serialize) -> anyhow::Result<String> {
        let mut nonce = [0; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| anyhow::anyhow!("no randomness"))?;
        let mut text = serde_json::to_vec(what)?;
        let sealed =
            self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut text);
        sealed.map_err(|_| anyhow::anyhow!("it cannot be sealed"))?;
        Ok(URL_SAFE_NO_PAD.encode([&nonce[..], &text].concat()))
    }

    /// What was sealed; `None` for anything else.
    pub(super) fn open<T: DeserializeOwned>(&self, text: &str) -> Option<T> {
        if text.len() > LONGEST {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (nonce, sealed) = bytes.split_at_mut_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_for_another_purpose_or_changed_in_one_letter_is_not_opened() {
        let secret = SecretString::from("a-secret-that-is-long-enough-for-this-test");
        let (session, login) =
            (Sealer::new(&secret, "session").unwrap(), Sealer::new(&secret, "login").unwrap());
        let text = session.seal(&"somebody").unwrap();
        assert_ne!(text, session.seal(&"somebody").unwrap());
        assert_eq!(session.open::<String>(&text).as_deref(), Some("somebody"));
        assert_eq!(login.open::<String>(&text), None);
        let other =
            Sealer::new(&SecretString::from("another-secret-that-is-long-enough"), "session").unwrap();
        assert_eq!(other.open::<String>(&text), None);
        for at in 0..text.len() {
            let mut forged = text.clone().into_bytes();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(session.open::<String>(&String::from_utf8(forged).unwrap()), None, "letter {at}");
        }
        for short in ["", "AAAA", &text[..16]] {
            assert_eq!(session.open::<String>(short), None);
        }
    }
}

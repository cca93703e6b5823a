//! Signing keys: Ed25519 (RFC 8032), kept as PKCS#8 sealed with the master key.
//!
//! A key has three ages, which follow from two times alone, so that every process agrees without talking: *upcoming*
//! (published, so that verifiers have it in time, but not signing yet), *active* (the youngest whose time has come
//! signs) and *retiring* (no longer signs, but tokens that it signed are still good). A rotation is one new row and one
//! time set on the older ones.

use crate::domain::sealed::{SealBroken, SealingKey};
use aws_lc_rs::digest;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Ts;
use contract::auth::{Jwk, Jwks};
use secrecy::{ExposeSecret as _, SecretString};
use std::fmt;

/// The key that seals the signing keys at rest.
pub struct MasterKey(SealingKey);

impl MasterKey {
    /// Follows from the configured secret, of whatever form that is.
    ///
    /// # Errors
    /// [`SealBroken`] when the cipher library refuses.
    pub fn new(secret: &SecretString) -> Result<Self, SealBroken> {
        SealingKey::derive(secret.expose_secret().as_bytes(), "signing keys").map(Self)
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MasterKey(***)")
    }
}

/// A key pair that can sign.
pub struct SigningKey {
    kid: String,
    public: Vec<u8>,
    pair: Ed25519KeyPair,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl SigningKey {
    /// A new key pair. Its id is the thumbprint of the public key (RFC 7638).
    ///
    /// # Errors
    /// [`SealBroken`] when the system has no randomness.
    pub fn generate() -> Result<Self, SealBroken> {
        Ok(Self::of(Ed25519KeyPair::generate()?))
    }

    fn of(pair: Ed25519KeyPair) -> Self {
        let public = pair.public_key().as_ref().to_vec();
        Self { kid: thumbprint(&public), public, pair }
    }

    /// Opens a key that was sealed by [`SigningKey::seal`].
    ///
    /// # Errors
    /// [`SealBroken`] when the master key is another one or the row was tampered with.
    pub fn open(kid: &str, sealed: &[u8], master: &MasterKey) -> Result<Self, SealBroken> {
        let mut pkcs8 = master.0.open(kid.as_bytes(), sealed)?;
        let pair = Ed25519KeyPair::from_pkcs8(&pkcs8).map_err(|_| SealBroken);
        pkcs8.fill(0);
        let key = Self::of(pair?);
        if key.kid == kid { Ok(key) } else { Err(SealBroken) }
    }

    /// Seals it for the store.
    ///
    /// # Errors
    /// [`SealBroken`] when the system has no randomness.
    pub fn seal(&self, master: &MasterKey) -> Result<Vec<u8>, SealBroken> {
        master.0.seal(self.kid.as_bytes(), self.pair.to_pkcs8()?.as_ref())
    }

    /// Its id, as in a token's header.
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// The public key, 32 bytes.
    #[must_use]
    pub fn public(&self) -> &[u8] {
        &self.public
    }

    /// The signature of a message (RFC 8032), 64 bytes.
    ///
    /// # Errors
    /// [`SealBroken`] when the cipher library refuses.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SealBroken> {
        Ok(self.pair.try_sign(message)?.as_ref().to_vec())
    }
}

fn thumbprint(public: &[u8]) -> String {
    // RFC 7638, section 3.2, and RFC 8037, section 2: these members, in this order, without spaces.
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, members.as_bytes()))
}

/// What everybody may know of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedKey {
    /// Its id.
    pub kid: String,
    /// The public key, 32 bytes.
    pub public: Vec<u8>,
    /// It signs from then on, until a younger one does.
    pub signs_from: Ts,
    /// Its signatures are good until then; unset until a younger key takes over.
    pub verifies_until: Option<Ts>,
}

impl PublishedKey {
    /// Whether its signatures are, or will be, good.
    #[must_use]
    pub fn verifies(&self, now: Ts) -> bool {
        self.verifies_until.is_none_or(|until| now < until)
    }

    fn jwk(&self) -> Jwk {
        Jwk {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            kid: self.kid.clone(),
            alg: "EdDSA".to_owned(),
            use_: "sig".to_owned(),
            x: URL_SAFE_NO_PAD.encode(&self.public),
        }
    }
}

/// The key that signs now: the youngest whose time has come and whose signatures are good.
#[must_use]
pub fn active(keys: &[PublishedKey], now: Ts) -> Option<&PublishedKey> {
    let ready = keys.iter().filter(|key| key.signs_from <= now && key.verifies(now));
    ready.max_by(|a, b| (a.signs_from, &a.kid).cmp(&(b.signs_from, &b.kid)))
}

/// The key set that is published now: upcoming, active and retiring keys, in the order of their ids.
#[must_use]
pub fn published(keys: &[PublishedKey], now: Ts) -> Jwks {
    let mut keys: Vec<Jwk> = keys.iter().filter(|key| key.verifies(now)).map(PublishedKey::jwk).collect();
    keys.sort_by(|a, b| a.kid.cmp(&b.kid));
    Jwks { keys }
}

/// A short name of a key set, fit for a URL: another set has another one.
#[must_use]
pub fn version(keys: &Jwks) -> String {
    let kids: Vec<&str> = keys.keys.iter().map(|key| key.kid.as_str()).collect();
    let digest = digest::digest(&digest::SHA256, kids.join(" ").as_bytes());
    URL_SAFE_NO_PAD.encode(&digest.as_ref()[..12])
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::encoding::AsBigEndian as _;
    use std::time::Duration;

    const NOW: Ts = Ts::from_secs(1_000_000);

    fn master(secret: &str) -> MasterKey {
        MasterKey::new(&SecretString::from(secret)).unwrap()
    }

    fn key(kid: &str, signs_from: i64, verifies_until: Option<i64>) -> PublishedKey {
        let at = |secs| Ts::from_secs(NOW.secs() + secs);
        PublishedKey {
            kid: kid.to_owned(),
            public: vec![0; 32],
            signs_from: at(signs_from),
            verifies_until: verifies_until.map(at),
        }
    }

    fn kids(keys: &Jwks) -> Vec<&str> {
        keys.keys.iter().map(|key| key.kid.as_str()).collect()
    }

    #[test]
    fn a_sealed_key_opens_with_its_master_key_and_signs_the_same() {
        let key = SigningKey::generate().unwrap();
        let sealed = key.seal(&master("one")).unwrap();
        let opened = SigningKey::open(key.kid(), &sealed, &master("one")).unwrap();
        assert_eq!(opened.sign(b"message"), key.sign(b"message"));
        assert!(SigningKey::open(key.kid(), &sealed, &master("two")).is_err());
        assert!(SigningKey::open("another", &sealed, &master("one")).is_err());
    }

    #[test]
    fn the_sealed_key_does_not_contain_the_key() {
        let key = SigningKey::generate().unwrap();
        let seed = key.pair.seed().unwrap().as_be_bytes().unwrap().as_ref().to_vec();
        let sealed = key.seal(&master("one")).unwrap();
        assert!(!sealed.windows(seed.len()).any(|window| window == seed));
    }

    #[test]
    fn the_key_id_is_the_thumbprint_of_rfc_8037() {
        let public = URL_SAFE_NO_PAD.decode("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo").unwrap();
        assert_eq!(thumbprint(&public), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn an_upcoming_key_is_published_and_does_not_sign() {
        let keys = [key("new", 60, None), key("old", -1000, Some(960))];
        assert_eq!(active(&keys, NOW).map(|key| key.kid.as_str()), Some("old"));
        assert_eq!(kids(&published(&keys, NOW)), ["new", "old"]);
    }

    #[test]
    fn the_younger_key_signs_when_its_time_has_come() {
        let keys = [key("new", 60, None), key("old", -1000, Some(960))];
        let later = NOW + Duration::from_secs(60);
        assert_eq!(active(&keys, later).map(|key| key.kid.as_str()), Some("new"));
        assert_eq!(kids(&published(&keys, later)), ["new", "old"]);
    }

    #[test]
    fn a_retired_key_is_no_longer_published() {
        let keys = [key("new", 60, None), key("old", -1000, Some(960))];
        assert_eq!(kids(&published(&keys, NOW + Duration::from_secs(960))), ["new"]);
    }

    #[test]
    fn another_set_of_keys_has_another_version() {
        let one = published(&[key("a", 0, None)], NOW);
        let two = published(&[key("a", 0, None), key("b", 0, None)], NOW);
        assert_ne!(version(&one), version(&two));
        assert_eq!(version(&one), version(&published(&[key("a", 0, Some(10))], NOW)));
        assert!(version(&one).bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
    }
}

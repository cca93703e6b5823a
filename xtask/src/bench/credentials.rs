//! What is shown under load: one access token, signed by a key that the trivial upstream tells the gateway of, and one
//! certificate, with which every proxy ends TLS. Both are new in each run and good for a day.

use anyhow::{Context, Result, anyhow};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::{ClientConfig, RootCertStore};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

const DAY: u64 = 86_400;

/// An access token, and the public half of the key that signed it.
pub(super) struct Token {
    pub(super) bearer: String,
    /// A JWK.
    pub(super) key: String,
}

impl Token {
    /// The token of one person who is logged in.
    pub(super) fn new() -> Result<Self> {
        let key = Ed25519KeyPair::generate().map_err(|_| anyhow!("no key can be made"))?;
        let public = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let jwk = json!({"kty": "OKP", "crv": "Ed25519", "kid": "bench", "alg": "EdDSA", "use": "sig", "x": public});
        let now = now();
        let claims = json!({
            "iss": "bowline", "aud": "bowline",
            "sub": "0198c2a0-0000-7000-8000-000000000001",
            "sid": "0198c2a0-0000-7000-8000-000000000002",
            "jti": "0198c2a0-0000-7000-8000-000000000003",
            "iat": now, "nbf": now, "exp": now + DAY, "ver": 1, "roles": ["user"], "verified": true,
        });
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({"typ": "JWT", "alg": "EdDSA", "kid": "bench"});
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()).as_ref());
        Ok(Self { bearer: format!("{signed}.{signature}"), key: jwk.to_string() })
    }
}

#[expect(clippy::disallowed_methods, reason = "the gateway under test compares with the machine's clock")]
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// A certificate for `localhost`, in files as the proxies want it.
pub(super) struct Certificate {
    /// The certificate.
    pub(super) chain: PathBuf,
    /// Its key.
    pub(super) key: PathBuf,
    /// Both in one file.
    pub(super) both: PathBuf,
    /// How a client that believes it speaks HTTP/1.1 over TLS.
    pub(super) client: Arc<ClientConfig>,
}

impl Certificate {
    /// Makes one and writes it into a folder.
    pub(super) fn new(folder: &Path) -> Result<Self> {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])
            .context("no certificate can be made")?;
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let file = |name: &str, text: &str| -> Result<PathBuf> {
            let path = folder.join(name);
            std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            Ok(path)
        };
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        client.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            both: file("both.pem", &format!("{chain}{key}"))?,
            chain: file("chain.pem", &chain)?,
            key: file("key.pem", &key)?,
            client: Arc::new(client),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};

    #[test]
    fn the_token_is_signed_by_the_key_that_is_told() {
        let token = Token::new().unwrap();
        let key: serde_json::Value = serde_json::from_str(&token.key).unwrap();
        let public = URL_SAFE_NO_PAD.decode(key["x"].as_str().unwrap()).unwrap();
        let (signed, signature) = token.bearer.rsplit_once('.').unwrap();
        let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
        UnparsedPublicKey::new(&ED25519, public).verify(signed.as_bytes(), &signature).unwrap();
    }

    #[test]
    fn a_client_believes_the_certificate_that_was_written() {
        let folder = testkit::Folder::new("bench").unwrap();
        let certificate = Certificate::new(folder.path()).unwrap();
        let both = std::fs::read_to_string(&certificate.both).unwrap();
        for file in [&certificate.chain, &certificate.key] {
            assert!(both.contains(&std::fs::read_to_string(file).unwrap()));
        }
        assert_eq!(certificate.client.alpn_protocols, [b"http/1.1"]);
    }
}

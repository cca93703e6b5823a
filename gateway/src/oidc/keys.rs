//! The keys of a provider, each pinned to one algorithm by what it is, whatever a token says.

use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use serde_json::Value;

/// Keys that are looked at in one set.
const MOST: usize = 50;

/// A key that verifies signatures.
#[derive(Debug)]
pub(super) struct Key {
    kid: Option<String>,
    pub(super) algorithm: Algorithm,
    pub(super) key: DecodingKey,
    /// The public key itself, as it is written.
    public: String,
}

#[derive(Debug, Deserialize)]
struct Written {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    crv: Option<String>,
    n: Option<String>,
    e: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

/// The keys of a set that can be used: RS256, ES256 and EdDSA. Others are left out, above all secret ones.
pub(super) fn read(set: &Value) -> Vec<Key> {
    let listed = set.get("keys").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    listed.iter().take(MOST).filter_map(|one| Key::of(Written::deserialize(one).ok()?)).collect()
}

/// The key that a token names. A token that names none gets the only one of its algorithm.
pub(super) fn find<'a>(keys: &'a [Key], kid: Option<&str>, algorithm: Algorithm) -> Option<&'a Key> {
    let mut fitting = keys.iter().filter(|key| key.algorithm == algorithm);
    match kid {
        Some(kid) => fitting.find(|key| key.kid.as_deref() == Some(kid)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

impl Key {
    fn of(written: Written) -> Option<Self> {
        let Written { kty, kid, purpose, alg, crv, n, e, x, y } = written;
        if purpose.is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let public = [&n, &e, &x, &y].map(|part| part.as_deref().unwrap_or_default()).join(" ");
        let (name, algorithm, key) = match (kty.as_str(), crv.as_deref()) {
            ("RSA", _) => ("RS256", Algorithm::RS256, DecodingKey::from_rsa_components(&n?, &e?)),
            ("EC", Some("P-256")) => ("ES256", Algorithm::ES256, DecodingKey::from_ec_components(&x?, &y?)),
            ("OKP", Some("Ed25519")) => ("EdDSA", Algorithm::EdDSA, DecodingKey::from_ed_components(&x?)),
            _ => return None,
        };
        let fits = alg.is_none_or(|alg| alg == name);
        fits.then_some(Self { kid, algorithm, key: key.ok()?, public })
    }

    /// Whether it is this one, and not only called so.
    pub(super) fn is(&self, other: &Self) -> bool {
        (&self.kid, self.algorithm, &self.public) == (&other.kid, other.algorithm, &other.public)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_public_keys_for_signatures_are_used_each_for_one_algorithm() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let of = |kid: &str| json!({"kty": "OKP", "crv": "Ed25519", "x": x, "kid": kid});
        let mut encrypting = of("c");
        encrypting["use"] = "enc".into();
        let mut lying = of("d");
        lying["alg"] = "HS256".into();
        let secret = json!({"kty": "oct", "k": "AAAA", "kid": "e", "alg": "HS256"});
        let keys = read(&json!({"keys": [of("a"), of("b"), encrypting, lying, secret, 7, {"kty": "RSA"}]}));
        assert_eq!(keys.iter().map(|key| key.kid.as_deref().unwrap()).collect::<Vec<_>>(), ["a", "b"]);
        assert!(find(&keys, Some("a"), Algorithm::EdDSA).is_some());
        assert!(find(&keys, Some("a"), Algorithm::HS256).is_none());
        assert!(find(&keys, None, Algorithm::EdDSA).is_none(), "which of the two?");
        assert!(find(&read(&json!({"keys": [of("a")]})), None, Algorithm::EdDSA).is_some());
    }
}

//! By what a consistent hash goes, and the hash: the same in every replica and after every start.

use http::header::COOKIE;
use http::{HeaderMap, HeaderName, Uri};
use serde::Deserialize;
use std::net::IpAddr;
use uuid::Uuid;

/// What two requests have in common that go to the same instance.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub enum HashBy {
    /// The client's address.
    Ip,
    /// Who is logged in.
    User,
    /// The value of a header.
    Header(HeaderName),
    /// The value of a cookie.
    Cookie(String),
    /// The path.
    Path,
}

impl TryFrom<String> for HashBy {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not one of ip, user, path, header:NAME, cookie:NAME");
        match text.split_once(':') {
            None => match text.as_str() {
                "ip" => Ok(Self::Ip),
                "user" => Ok(Self::User),
                "path" => Ok(Self::Path),
                _ => Err(wrong()),
            },
            Some(("header", name)) => name.parse().map(Self::Header).map_err(|_| wrong()),
            Some(("cookie", name)) if is_cookie_name(name) => Ok(Self::Cookie(name.to_owned())),
            Some(_) => Err(wrong()),
        }
    }
}

impl HashBy {
    /// The key of a request; nothing when it has none, such as that of a user when nobody is logged in.
    #[must_use]
    pub fn key(&self, uri: &Uri, headers: &HeaderMap, ip: IpAddr, user: Option<Uuid>) -> Option<u64> {
        Some(match self {
            Self::Ip => match ip {
                IpAddr::V4(ip) => hash(&ip.octets()),
                IpAddr::V6(ip) => hash(&ip.octets()),
            },
            Self::User => hash(user?.as_bytes()),
            Self::Header(name) => hash(headers.get(name)?.as_bytes()),
            Self::Cookie(name) => hash(cookie(headers, name)?.as_bytes()),
            Self::Path => hash(uri.path().as_bytes()),
        })
    }
}

/// The value of a cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(COOKIE).into_iter().filter_map(|line| line.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(known, _)| *known == name).map(|(_, value)| value)
}

/// A token of RFC 9110.
pub(crate) fn is_cookie_name(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(fine)
}

/// FNV-1a, and then every bit in every other one.
pub(super) fn hash(bytes: &[u8]) -> u64 {
    let fold = |state: u64, byte: &u8| (state ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3);
    mix(bytes.iter().fold(0xCBF2_9CE4_8422_2325, fold))
}

/// Every bit of the input changes half of those of the output (the finaliser of SplitMix64).
pub(super) const fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

/// A number of 53 bits as a part of one: above 0, at most 1.
pub(super) fn share(bits: u64) -> f64 {
    // 53 bits fit a float without loss.
    ((bits >> 11) + 1) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(text: &str) -> HashBy {
        HashBy::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_key_is_what_the_setting_names_and_nothing_else() {
        let uri = Uri::from_static("/things?a=1");
        let mut headers = HeaderMap::new();
        headers.insert("x-tenant", "one".parse().unwrap());
        headers.insert("cookie", "a=1; cart=seven".parse().unwrap());
        let ip: IpAddr = "192.0.2.1".parse().unwrap();
        let key = |text| by(text).key(&uri, &headers, ip, Some(Uuid::from_u128(7)));
        assert_eq!(key("header:X-Tenant"), Some(hash(b"one")));
        assert_eq!(key("cookie:cart"), Some(hash(b"seven")));
        assert_eq!(key("path"), Some(hash(b"/things")));
        assert_eq!(key("user"), Some(hash(Uuid::from_u128(7).as_bytes())));
        assert_eq!(key("ip"), Some(hash(&[192, 0, 2, 1])));
        assert_eq!((key("cookie:none"), key("header:none")), (None, None));
        assert_eq!(by("user").key(&uri, &headers, ip, None), None);
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", "Ip", "header:", "header:a b", "cookie:", "cookie:a=b", "query:a"] {
            assert!(HashBy::try_from(text.to_owned()).is_err(), "{text}");
        }
    }

    #[test]
    fn the_hash_is_the_same_everywhere_and_always() {
        assert_eq!(hash(b"http://10.0.0.1:8080"), 0x5FA2_E8FE_8004_590C);
    }
}

//! A key as a program sends it: `bwl_<id>_<secret>`, both in small hexadecimal digits.
//!
//! The identifier finds the row, and with `bwl_` it lets a scanner find a key that somebody published. The secret is 256
//! random bits, so a plain hash of it is as good as a slow one: there is nothing to guess.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand;
use contract::auth::Token;
use contract::ids::ApiKeyId;
use uuid::Uuid;

/// What every key begins with.
pub(crate) const PREFIX: &str = "bwl_";
/// Hexadecimal digits of an identifier, and of a secret.
const ID: usize = 32;
const SECRET: usize = 64;

/// What is kept of a secret.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hash([u8; 32]);

impl Hash {
    fn of(secret: &[u8]) -> Result<Self, Unspecified> {
        digest(&SHA256, secret).as_ref().try_into().map(Self).map_err(|_| Unspecified)
    }

    /// The hash of a row; `None` when it is none.
    pub(super) fn kept(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is the same; says so in the same time whatever differs.
    pub(super) fn is(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// A key that was sent: the row that it claims to be, and the hash of what it proves that with.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) id: ApiKeyId,
    pub(super) hash: Hash,
}

impl Sent {
    /// Reads a key. `None` for anything that is not exactly as it was made.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let rest = text.strip_prefix(PREFIX.as_bytes())?;
        let (id, rest) = rest.split_at_checked(ID)?;
        let secret = rest.strip_prefix(b"_")?;
        let small = |digits: &[u8]| digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'));
        if secret.len() != SECRET || !small(secret) || !small(id) {
            return None;
        }
        let id = ApiKeyId(Uuid::try_parse_ascii(id).ok()?);
        Some(Self { id, hash: Hash::of(secret).ok()? })
    }
}

/// What every secret of a key begins with.
pub(super) fn prefix(id: ApiKeyId) -> String {
    format!("{PREFIX}{}", id.uuid().simple())
}

/// A new secret of a key, and what is kept of it.
///
/// # Errors
/// When the system has no randomness.
pub(super) fn make(id: ApiKeyId) -> Result<(Token, Hash), Unspecified> {
    let mut bytes = [0_u8; SECRET / 2];
    rand::fill(&mut bytes)?;
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    let secret: String = bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    let hash = Hash::of(secret.as_bytes())?;
    Ok((Token::new(format!("{}_{secret}", prefix(id))), hash))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_makes_it_panic_and_only_one_of_the_right_form_is_read(text in "(bwl_)?[0-9a-fA-F]{30,34}_?[0-9a-f]{62,66}|.*") {
            let sent = Sent::parse(text.as_bytes());
            let small = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
            let digits = text.bytes().filter(|byte| small(*byte)).count();
            // The `b` of the prefix counts as a digit too.
            let is_one = text.len() == 101 && text.starts_with("bwl_") && text.as_bytes()[36] == b'_' && digits == 97;
            prop_assert_eq!(sent.is_some(), is_one);
        }
    }

    #[test]
    fn a_key_that_was_made_is_read_again_and_no_two_are_the_same() {
        let id = ApiKeyId::new();
        let (one, hash) = make(id).unwrap();
        let (two, other) = make(id).unwrap();
        assert_ne!(one.expose(), two.expose());
        let sent = Sent::parse(one.expose().as_bytes()).unwrap();
        assert_eq!(sent.id, id);
        assert!(sent.hash.is(&hash) && !sent.hash.is(&other));
        assert!(one.expose().starts_with(&prefix(id)));
    }

    #[test]
    fn a_key_that_was_written_otherwise_is_none() {
        let (key, _) = make(ApiKeyId::new()).unwrap();
        let key = key.expose();
        let longer = format!("{key}0");
        for text in [
            "",
            "bwl_",
            &key[1..],
            &key[..key.len() - 1],
            &longer,
            &key.to_uppercase(),
            &key.replace('_', "-"),
        ] {
            assert!(Sent::parse(text.as_bytes()).is_none(), "{text}");
        }
        let spaced = format!(" {key}");
        assert!(Sent::parse(spaced.as_bytes()).is_none());
    }
}

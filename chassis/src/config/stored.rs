//! Secrets that stand in a store: what is written in their place, and what a store has to be able to do.

use secrecy::SecretString;
use std::fmt;

/// How such a value begins.
const START: &str = "vault:";

/// What is said of a value that begins like a reference and is none. It does not repeat the value, which may be a secret.
const FORM: &str = "begins with `vault:` and is no reference: write vault:<mount>/<path>#<field>, of letters, digits, `-`, \
                    `_` and `.`";

/// Where a secret is in HashiCorp Vault: `vault:<mount>/<path>#<field>`, a field of a secret of version 2 of KV.
///
/// The mount is the first segment. Nothing that would need escaping in a URL may be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    mount: String,
    path: String,
    field: String,
}

impl Reference {
    /// The reference that a value is; `None` when it is the value itself.
    pub(super) fn parse(text: &str) -> Option<Result<Self, String>> {
        let rest = text.trim().strip_prefix(START)?;
        Some(Self::of(rest).ok_or_else(|| FORM.to_owned()))
    }

    fn of(text: &str) -> Option<Self> {
        let (place, field) = text.split_once('#')?;
        let (mount, path) = place.split_once('/')?;
        let plain = |text: &str| {
            let fits = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
            !text.is_empty() && text.chars().all(fits) && text != "." && text != ".."
        };
        let fits = plain(mount) && path.split('/').all(plain) && plain(field);
        fits.then(|| Self { mount: mount.to_owned(), path: path.to_owned(), field: field.to_owned() })
    }

    /// Where the engine is mounted.
    #[must_use]
    pub fn mount(&self) -> &str {
        &self.mount
    }

    /// Where the secret is below the mount.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Which field of it.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{START}{}/{}#{}", self.mount, self.path, self.field)
    }
}

/// What [`Loader::resolve_with`](super::Loader::resolve_with) takes secrets from.
pub trait SecretStore: Send + Sync {
    /// The secret of a reference. It may block, for a bounded time.
    ///
    /// # Errors
    /// Why there is none, without any value of the store and without what opens it.
    fn secret(&self, reference: &Reference) -> Result<SecretString, String>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_names_mount_path_and_field() {
        let reference = Reference::parse("vault:secret/bowline/auth-1#master_key").unwrap().unwrap();
        assert_eq!((reference.mount(), reference.path()), ("secret", "bowline/auth-1"));
        assert_eq!(reference.field(), "master_key");
        assert_eq!(reference.to_string(), "vault:secret/bowline/auth-1#master_key");
    }

    #[test]
    fn what_does_not_begin_like_one_is_the_value_itself() {
        for text in ["", "secret/a#b", "Vault:a/b#c", "postgres://vault:a@b/c#d"] {
            assert!(Reference::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn what_begins_like_one_and_is_none_is_refused_without_being_repeated() {
        let wrong = [
            "",
            "a",
            "a/b",
            "a#c",
            "a/#c",
            "/b#c",
            "a/b#",
            "a//b#c",
            "a/b/#c",
            "a/../sys#c",
            "a/./b#c",
            "a/b?c#d",
            "a/b%2fc#d",
            "a/b#c#d",
            "a/b c#d",
            "a/b\r\nx: y#c",
            "a/ä#c",
            "../b#c",
        ];
        for text in wrong {
            let error = Reference::parse(&format!("vault:{text}")).unwrap().unwrap_err();
            assert_eq!(error, FORM, "{text}");
        }
    }
}

//! E-mail addresses.
//!
//! Two spellings of one address are one account: spaces around it and the case of its letters do not count. RFC 5321
//! lets a mail server tell `Ada@` from `ada@`; no provider does, and treating them as two people invites confusion.

use std::fmt;

/// The text is not an e-mail address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct NotAnEmail;

/// An address in its one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Characters at most (RFC 5321).
    const MAX: usize = 254;

    /// Reads an address as a person types it.
    ///
    /// # Errors
    /// [`NotAnEmail`] for anything that is not of the form of HTML 5, or longer than RFC 5321 allows.
    pub fn parse(text: &str) -> Result<Self, NotAnEmail> {
        let address = text.trim().to_ascii_lowercase();
        if address.len() > Self::MAX {
            return Err(NotAnEmail);
        }
        garde::rules::email::parse_email(&address).map_err(|_| NotAnEmail)?;
        Ok(Self(address))
    }

    /// The address.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
    #[must_use]
    pub fn local_part(&self) -> &str {
        self.0.rsplit_once('@').map_or(&self.0, |(local, _)| local)
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn two_spellings_of_an_address_are_one() {
        assert_eq!(Email::parse("  Ada@Example.ORG "), Email::parse("ada@example.org"));
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(250));
        for text in ["", "ada", "ada@", "@example.org", "a b@example.org", "ada@exa mple.org", long.as_str()]
        {
            assert_eq!(Email::parse(text), Err(NotAnEmail), "{text}");
        }
    }

    proptest! {
        #[test]
        fn reading_an_address_again_changes_nothing(local in "[A-Za-z0-9.]{1,20}", domain in "[A-Za-z]{1,20}") {
            if let Ok(email) = Email::parse(&format!("{local}@{domain}.org")) {
                prop_assert_eq!(Email::parse(email.as_str()), Ok(email.clone()));
                prop_assert_eq!(email.local_part(), local.to_ascii_lowercase());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            if let Ok(email) = Email::parse(&text) {
                prop_assert!(email.as_str().contains('@'));
            }
        }
    }
}

//! Texts that have no way out: they are read from a request and sent in one, and never shown.
//!
//! `Debug` writes a mask, there is no `Display`, and the text is overwritten when it is dropped. `Serialize` is there
//! for clients, which have to send them, and for the one answer that hands out tokens.

use serde::{Deserialize, Serialize};
use std::fmt;
use utoipa::ToSchema;

macro_rules! secrets {
    ($($(#[doc = $doc:literal])+ #[schema($($schema:tt)+)] $name:ident;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Clone, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        #[schema($($schema)+)]
        pub struct $name(String);

        impl $name {
            /// Takes the text in.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text itself, for the one who checks or sends it.
            #[must_use]
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                let mut bytes = std::mem::take(&mut self.0).into_bytes();
                bytes.fill(0);
                std::hint::black_box(&bytes);
            }
        }
    )+};
}

secrets! {
    /// A password as a person typed it.
    #[schema(value_type = String, format = Password, min_length = 8, max_length = 128)]
    Password;
    /// An access token, a refresh token or the one-time token of a mailed link.
    #[schema(value_type = String)]
    Token;
}

impl Password {
    /// Characters of a new password at least.
    pub const MIN_CHARS: usize = 8;
    /// Characters of a password at most; more would only buy the sender our processor time.
    pub const MAX_CHARS: usize = 128;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_in_the_debug_text() {
        let text = format!("{:?} {:?}", Password::new("hunter22"), Token::new("abcdef"));
        assert_eq!(text, "Password(***) Token(***)");
    }

    #[test]
    fn a_secret_is_a_bare_text_on_the_wire() {
        let password: Password = serde_json::from_str("\"hunter22\"").unwrap();
        assert_eq!(serde_json::to_string(&password).unwrap(), "\"hunter22\"");
    }
}

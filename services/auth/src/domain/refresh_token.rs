//! Refresh tokens: opaque, used once, and kept so that the store alone gives nothing away.
//!
//! A token is the session's id and 32 random bytes, in base64url. The store has its SHA-256. When it is used, its
//! successor is kept beside it, sealed under a key that follows from the used token's own bytes: whoever sends the same
//! token again within the grace (a second tab, a repeated request) gets the very same successor, and nobody who reads
//! the store can open it.
//!
//! What comes back later than the grace was stolen, or its owner's copy was: the whole session is revoked.

use crate::domain::sealed::{SealBroken, SealingKey};
use aws_lc_rs::{digest, rand};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chassis::clock::Ts;
use contract::auth::Token;
use contract::ids::SessionId;
use std::fmt;
use std::time::Duration;

/// Bytes of the session's id.
const ID: usize = 16;
/// Random bytes.
const SECRET: usize = 32;

/// The text is not a refresh token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a refresh token")]
pub struct NotARefreshToken;

/// A refresh token in clear. It lives as long as a request.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken([u8; ID + SECRET]);

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RefreshToken").field(&self.session()).finish()
    }
}

impl RefreshToken {
    /// A new token of a session.
    ///
    /// # Errors
    /// [`SealBroken`] when the system has no randomness.
    pub fn new(session: SessionId) -> Result<Self, SealBroken> {
        let mut bytes = [0_u8; ID + SECRET];
        bytes[..ID].copy_from_slice(session.uuid().as_bytes());
        rand::fill(&mut bytes[ID..])?;
        Ok(Self(bytes))
    }

    /// Reads what a client sent.
    ///
    /// # Errors
    /// [`NotARefreshToken`] for anything that [`RefreshToken::reveal`] did not make.
    pub fn parse(token: &Token) -> Result<Self, NotARefreshToken> {
        let bytes = URL_SAFE_NO_PAD.decode(token.expose()).map_err(|_| NotARefreshToken)?;
        bytes.try_into().map(Self).map_err(|_| NotARefreshToken)
    }

    /// The text for the client.
    #[must_use]
    pub fn reveal(&self) -> Token {
        Token::new(URL_SAFE_NO_PAD.encode(self.0))
    }

    /// The session that it belongs to.
    #[must_use]
    pub fn session(&self) -> SessionId {
        let (id, _) = self.0.split_at(ID);
        SessionId(uuid::Uuid::from_slice(id).unwrap_or_default())
    }

    /// What the store has instead of it.
    #[must_use]
    pub fn hash(&self) -> Vec<u8> {
        digest::digest(&digest::SHA256, &self.0).as_ref().to_vec()
    }

    /// Seals the token that replaces this one.
    ///
    /// # Errors
    /// [`SealBroken`] when the system has no randomness.
    pub fn seal_successor(&self, successor: &Self) -> Result<Vec<u8>, SealBroken> {
        self.key()?.seal(&self.hash(), &successor.0)
    }

    /// The token that replaced this one.
    ///
    /// # Errors
    /// [`SealBroken`] when it was not sealed by this token.
    pub fn open_successor(&self, sealed: &[u8]) -> Result<Self, SealBroken> {
        let opened = self.key()?.open(&self.hash(), sealed)?;
        opened.try_into().map(Self).map_err(|_| SealBroken)
    }

    fn key(&self) -> Result<SealingKey, SealBroken> {
        SealingKey::derive(&self.0[ID..], "successor of a refresh token")
    }
}

/// What the return of a token that was already replaced means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Return {
    /// The same client asked twice: it gets the same successor.
    Repeated,
    /// It was stolen, or its owner's copy was.
    Reused,
}

impl Return {
    /// Judges a token that was replaced at `replaced_at` and comes back now.
    #[must_use]
    pub fn judge(replaced_at: Ts, now: Ts, grace: Duration) -> Self {
        if now.since(replaced_at) <= grace { Self::Repeated } else { Self::Reused }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token() -> RefreshToken {
        RefreshToken::new(SessionId::new()).unwrap()
    }

    #[test]
    fn a_token_survives_the_way_to_the_client_and_back() {
        let token = token();
        assert_eq!(RefreshToken::parse(&token.reveal()), Ok(token));
    }

    #[test]
    fn a_token_names_its_session() {
        let session = SessionId::new();
        assert_eq!(RefreshToken::new(session).unwrap().session(), session);
    }

    #[test]
    fn a_session_never_gets_the_same_token_twice() {
        let session = SessionId::new();
        assert_ne!(RefreshToken::new(session).unwrap(), RefreshToken::new(session).unwrap());
    }

    #[test]
    fn the_debug_text_shows_no_secret() {
        let token = token();
        let text = format!("{token:?}");
        assert!(text.contains(&token.session().to_string()) && !text.contains(token.reveal().expose()));
        assert!(text.len() < 80, "{text}");
    }

    #[test]
    fn only_the_used_token_opens_its_successor() {
        let (used, successor) = (token(), token());
        let sealed = used.seal_successor(&successor).unwrap();
        assert_eq!(used.open_successor(&sealed), Ok(successor.clone()));
        assert_eq!(token().open_successor(&sealed), Err(SealBroken));
        assert_eq!(successor.open_successor(&sealed), Err(SealBroken));
    }

    #[test]
    fn a_return_within_the_grace_is_a_repetition_and_later_a_theft() {
        let (replaced, grace) = (Ts::from_secs(100), Duration::from_secs(10));
        assert_eq!(Return::judge(replaced, Ts::from_secs(100), grace), Return::Repeated);
        assert_eq!(Return::judge(replaced, Ts::from_secs(110), grace), Return::Repeated);
        assert_eq!(Return::judge(replaced, Ts::from_secs(111), grace), Return::Reused);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in ".*") {
            if let Ok(token) = RefreshToken::parse(&Token::new(text.clone())) {
                let revealed = token.reveal();
                prop_assert_eq!(revealed.expose(), text);
            }
        }
    }
}

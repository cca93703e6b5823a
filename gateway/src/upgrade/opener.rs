//! Who opened a tunnel, and until when they may keep it open.

use super::tunnel::End;
use crate::keys::{Held, KeyError, Keys};
use crate::oidc::Person;
use chassis::clock::Ts;
use chassis::identity::{Principal, TokenError, Verifier};
use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use std::sync::Arc;

/// Who opened a tunnel, when the door knows.
#[derive(Debug, Clone)]
pub(crate) enum Opener {
    /// Somebody with an account here, and the header that brought their token, for when a key was taken back that signs them.
    User(Principal, HeaderValue),
    /// A program with an API key.
    Key(Held),
    /// A person of an identity provider.
    Person(Arc<Person>),
}

impl Opener {
    /// Somebody whose token came with a request.
    pub(crate) fn user(principal: Principal, headers: &HeaderMap) -> Option<Self> {
        headers.get(AUTHORIZATION).map(|token| Self::User(principal, token.clone()))
    }

    /// Why a tunnel of theirs has to end now, as far as that can be told here. `closely` looks at a token's signature again.
    pub(super) fn is_over(&self, verifier: &Verifier, now: Ts, closely: bool) -> Option<End> {
        let token = match self {
            Self::User(_, token) if closely => verifier.verify_header(token).map(drop),
            Self::User(principal, _) => verifier.holds(principal),
            Self::Person(person) => return person.is_over(now).then_some(End::Expired),
            // That is looked up: see `key_is_over`.
            Self::Key(_) => return None,
        };
        match token.err()? {
            TokenError::Expired => Some(End::Expired),
            TokenError::Revoked | TokenError::Invalid => Some(End::Revoked),
            // While nobody can tell, it goes on.
            TokenError::Stale => None,
        }
    }
}

/// Why a tunnel that was opened with this key has to end now.
pub(super) async fn key_is_over(keys: &Keys, held: &Held) -> Option<End> {
    match keys.check(held).await.err()? {
        KeyError::Ended => Some(End::KeyEnded),
        KeyError::Revoked | KeyError::Unknown => Some(End::KeyRevoked),
        // As with a token that nobody can tell about.
        KeyError::Away(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;
    use testkit::{FakeAuth, Issuer, Setup};

    #[tokio::test]
    async fn what_a_person_opened_ends_when_the_provider_does_not_vouch_for_them_any_more() {
        let now = Ts::from_secs(1_000_000);
        let (subject, provider) = ("7".to_owned(), Arc::from("staff"));
        let person = Person { provider, subject, roles: Vec::new(), scopes: Vec::new(), expires: now };
        let opener = Opener::Person(Arc::new(person));
        let service = Setup::of::<FakeAuth>().issuer(&Issuer::new()).build().await;
        let verifier = service.assembled().shared().verifier();
        assert_eq!(opener.is_over(verifier, now, true), None, "clocks may differ a little");
        assert_eq!(opener.is_over(verifier, now + Duration::from_secs(60), true), Some(End::Expired));
    }
}

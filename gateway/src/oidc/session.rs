//! Who is logged in with a browser: a cookie that holds it, sealed.
//!
//! What must hold: nobody else can make one, it ends by itself, and it counts for the provider that vouched for it and only
//! while the file names that one. What it does not do: it is kept nowhere else, so logging out takes it from this browser, and
//! a copy goes on until its end. `gateway.session_secs` is how long that is at most.

use super::cookie::Cookie;
use super::person::Person;
use super::seal::Sealer;
use chassis::clock::{Clock, Ts};
use contract::identity::Role;
use http::{HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// For how long a login may take.
pub(super) const LOGIN_WITHIN: Duration = Duration::from_secs(600);

/// Writes and reads both cookies.
#[derive(Debug)]
pub(super) struct Sessions {
    session: (Cookie, Sealer),
    login: (Cookie, Sealer),
    lasts: Duration,
    clock: Clock,
}

#[derive(Serialize, Deserialize)]
struct Session {
    provider: String,
    subject: String,
    roles: Vec<Role>,
    scopes: Vec<String>,
    expires: i64,
}

/// A login that was begun.
#[derive(Serialize, Deserialize)]
pub(super) struct Begun {
    pub(super) provider: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) return_to: String,
    expires: i64,
}

impl Begun {
    pub(super) fn new(provider: &str, return_to: String, secrets: [String; 3], now: Ts) -> Self {
        let [state, nonce, verifier] = secrets;
        let expires = (now + LOGIN_WITHIN).secs();
        Self { provider: provider.to_owned(), state, nonce, verifier, return_to, expires }
    }
}

impl Sessions {
    pub(super) fn new(
        secret: &SecretString,
        secure: bool,
        lasts: Duration,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let of = |kind: &str| anyhow::Ok((Cookie::new(kind, secure), Sealer::new(secret, kind)?));
        Ok(Self { session: of("session")?, login: of("login")?, lasts, clock })
    }

    /// The person whose session came with a request, when this provider vouched for it.
    pub(super) fn person(&self, headers: &HeaderMap, provider: &std::sync::Arc<str>) -> Option<Person> {
        let (cookie, sealer) = &self.session;
        let session: Session = sealer.open(cookie.read(headers)?)?;
        let expires = Ts::from_secs(session.expires);
        let holds = session.provider == **provider && self.clock.now() < expires;
        let Session { subject, roles, scopes, .. } = session;
        holds.then(|| Person { provider: provider.clone(), subject, roles, scopes, expires })
    }

    /// Whether a session came with a request, good or not.
    pub(super) fn came(&self, headers: &HeaderMap) -> bool {
        self.session.0.read(headers).is_some()
    }

    /// The cookie of a session that begins now.
    pub(super) fn begin(&self, person: Person) -> anyhow::Result<HeaderValue> {
        let (cookie, sealer) = &self.session;
        let session = Session {
            provider: person.provider.as_ref().to_owned(),
            subject: person.subject,
            roles: person.roles,
            scopes: person.scopes,
            expires: (self.clock.now() + self.lasts).secs(),
        };
        cookie.set(&sealer.seal(&session)?, self.lasts.as_secs())
    }

    /// The cookie that ends a session.
    pub(super) fn end(&self) -> anyhow::Result<HeaderValue> {
        self.session.0.set("", 0)
    }

    /// The cookie of a login that begins now.
    pub(super) fn login(&self, begun: &Begun) -> anyhow::Result<HeaderValue> {
        let (cookie, sealer) = &self.login;
        cookie.set(&sealer.seal(begun)?, LOGIN_WITHIN.as_secs())
    }

    /// The login that came with a request, when it was begun in time.
    pub(super) fn begun(&self, headers: &HeaderMap) -> Option<Begun> {
        let (cookie, sealer) = &self.login;
        let begun: Begun = sealer.open(cookie.read(headers)?)?;
        (self.clock.now() < Ts::from_secs(begun.expires)).then_some(begun)
    }

    /// The cookie that ends a login.
    pub(super) fn end_login(&self) -> anyhow::Result<HeaderValue> {
        self.login.0.set("", 0)
    }
}

//! Who is logged in with a browser: a cookie that holds it, sealed.
//!
//! What must hold: nobody else can make one, it ends by itself, and it counts for the provider that vouched for it and only
//! while the file says of that one what it said then ([`terms`](super::spec::ProviderSpec::terms)). What it does not do: it is kept
//! nowhere else, so logging out takes it from this browser, and a copy goes on until its end. `gateway.session_secs` is how long
//! that is at most.

use super::cookie::Cookie;
use super::person::Person;
use super::provider::Provider;
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
    terms: String,
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
    pub(super) fn person(&self, headers: &HeaderMap, provider: &Provider) -> Option<Person> {
        let (cookie, sealer) = &self.session;
        let session: Session = sealer.open(cookie.read(headers)?)?;
        let expires = Ts::from_secs(session.expires);
        let is_theirs = session.provider == *provider.name && session.terms == provider.terms;
        let Session { subject, roles, scopes, .. } = session;
        let person = || Person { provider: provider.name.clone(), subject, roles, scopes, expires };
        (is_theirs && self.clock.now() < expires).then(person)
    }

    /// Whether a session came with a request, good or not.
    pub(super) fn came(&self, headers: &HeaderMap) -> bool {
        self.session.0.read(headers).is_some()
    }

    /// The cookie of a session that begins now.
    pub(super) fn begin(&self, person: Person, provider: &Provider) -> anyhow::Result<HeaderValue> {
        let (cookie, sealer) = &self.session;
        let session = Session {
            provider: provider.name.as_ref().to_owned(),
            terms: provider.terms.clone(),
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

#[cfg(test)]
mod tests {
    use super::super::cookie::Cookie;
    use super::super::spec::ProviderSpec;
    use super::*;
    use chassis::http::outgoing::Outgoing;
    use http::header::COOKIE;

    const SPEC: &str = "issuer = 'https://id.example'\nclient_id = 'door'\nclient_secret = 'one'\n\
                        roles = { claim = 'groups', map = { admins = 'admin' } }";

    fn provider(toml: &str, clock: &Clock) -> Provider {
        let spec: ProviderSpec = toml::from_str(toml).unwrap();
        Provider::new("staff", spec, None, Outgoing::new().unwrap(), clock.clone())
    }

    #[test]
    fn a_session_ends_when_another_stands_behind_its_provider_or_its_roles_mean_something_else() {
        let clock = Clock::manual(Ts::from_secs(1_000_000));
        let secret = SecretString::from("a-secret-that-is-long-enough-for-this-test");
        let sessions = Sessions::new(&secret, true, Duration::from_secs(600), clock.clone()).unwrap();
        let staff = provider(SPEC, &clock);
        let person = Person {
            provider: staff.name.clone(),
            subject: "7".to_owned(),
            roles: vec![Role::Admin],
            scopes: vec!["openid".to_owned()],
            expires: clock.now() + Duration::from_secs(600),
        };
        let set = sessions.begin(person.clone(), &staff).unwrap();
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, set.to_str().unwrap().split(';').next().unwrap().parse().unwrap());
        assert!(Cookie::new("session", true).read(&headers).is_some());
        let of = |toml: &str| sessions.person(&headers, &provider(toml, &clock));
        assert_eq!(of(SPEC), Some(person.clone()));
        assert_eq!(of(&SPEC.replace("'one'", "'two'")), Some(person), "a secret may be changed");
        for other in [
            SPEC.replace("id.example", "another.example"),
            SPEC.replace("'door'", "'another-door'"),
            SPEC.replace("admins", "owners"),
            SPEC.replace("'groups'", "'teams'"),
            SPEC.replace("roles", "scopes = ['openid', 'email']\nroles"),
        ] {
            assert_eq!(of(&other), None, "{other}");
        }
        clock.advance(Duration::from_secs(600));
        assert_eq!(of(SPEC), None);
    }
}

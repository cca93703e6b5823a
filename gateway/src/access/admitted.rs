//! Who was let in, and what an upstream is told of them.

use super::Access;
use super::sent::remove_keys;
use crate::cache::Asker;
use crate::keys::Held;
use crate::oidc::{Person, remove_cookies};
use crate::upgrade::Opener;
use chassis::http::RequestContext;
use chassis::identity::Principal;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use std::sync::Arc;
use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// Who asks, for an upstream that cannot verify it. Only the door sets these: what a client sends by these names ends at it
/// (`headers.rs`).
const X_USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const X_USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
const X_AUTH_SERVICE: HeaderName = HeaderName::from_static("x-auth-service");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");
const X_AUTH_KEY_ID: HeaderName = HeaderName::from_static("x-auth-key-id");
const X_AUTH_OWNER: HeaderName = HeaderName::from_static("x-auth-owner");
const X_AUTH_PROVIDER: HeaderName = HeaderName::from_static("x-auth-provider");
const X_AUTH_SUBJECT: HeaderName = HeaderName::from_static("x-auth-subject");
const TOLD: [HeaderName; 8] = [
    X_USER_ID,
    X_USER_ROLES,
    X_AUTH_SERVICE,
    X_AUTH_SCOPES,
    X_AUTH_KEY_ID,
    X_AUTH_OWNER,
    X_AUTH_PROVIDER,
    X_AUTH_SUBJECT,
];

/// Where a request goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Toward {
    /// To a service of the platform, which verifies for itself who asks.
    Bowline,
    /// To anybody else.
    Elsewhere,
}

/// Who a route let in.
#[derive(Debug, Clone)]
pub(crate) struct Admitted {
    pub(crate) subject: Subject,
}

/// Who it is.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    /// Nobody was asked for.
    Nobody,
    /// A person with an account here.
    User(Principal),
    /// A person of an identity provider that is not of the platform.
    Person(Arc<Person>),
    /// A program with an API key.
    Key(Held),
    /// A service of the platform.
    Service(Box<str>),
}

impl Subject {
    /// Who it is, told apart from everybody else, when that is not proved by an access token of the platform.
    pub(super) fn caller(&self) -> Option<String> {
        match self {
            Self::Key(known) => Some(format!("key {}", known.id)),
            Self::Person(person) => Some(format!("person {} {}", person.provider, person.subject)),
            Self::Nobody | Self::User(_) | Self::Service(_) => None,
        }
    }
}

impl Admitted {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject }
    }

    /// The person, when it is one with an account here.
    pub(crate) fn principal(&self) -> Option<Principal> {
        match &self.subject {
            Subject::User(principal) => Some(principal.clone()),
            _ => None,
        }
    }

    /// Who opens a WebSocket with a request, to end it when what let them in has ended.
    pub(crate) fn opener(&self, headers: &HeaderMap) -> Option<Opener> {
        match &self.subject {
            Subject::User(principal) => Opener::user(principal.clone(), headers),
            Subject::Person(person) => Some(Opener::Person(Arc::clone(person))),
            Subject::Key(held) => Some(Opener::Key(held.clone())),
            Subject::Nobody | Subject::Service(_) => None,
        }
    }

    /// For whom what is kept may be given out.
    pub(crate) fn asker(&self, cx: &RequestContext) -> Asker {
        // A route for everybody asks nobody who they are; what is behind it may.
        let user = match self.subject {
            Subject::Nobody => cx.principal().map(|principal| principal.user()),
            _ => self.principal().map(|principal| principal.user()),
        };
        let is_known = user.is_some() || !matches!(self.subject, Subject::Nobody);
        Asker { user, is_known, side: None }
    }

    /// Prepares the headers of the request for the target: takes out what proves somebody here, and tells an upstream that is
    /// not Bowline's who it is. To be called after what clients may not send was removed.
    pub(crate) fn hand_on(&self, access: &Access, headers: &mut HeaderMap, toward: Toward) {
        remove_keys(headers);
        remove_cookies(headers);
        if matches!(self.subject, Subject::Person(_)) && !access.pass_authorization {
            // No service knows that token, and each would refuse it.
            headers.remove(AUTHORIZATION);
        }
        if toward == Toward::Bowline {
            return;
        }
        if !access.pass_authorization {
            headers.remove(AUTHORIZATION);
        }
        for name in TOLD {
            headers.remove(name);
        }
        let mut tell = |name: HeaderName, text: &str| {
            // What is told are identifiers and names of ours; another text is told to nobody.
            if let Ok(value) = HeaderValue::from_str(text) {
                headers.insert(name, value);
            }
        };
        let mut id = [0; Hyphenated::LENGTH];
        match &self.subject {
            Subject::Nobody => {}
            Subject::User(principal) => {
                tell(X_USER_ID, written(principal.user().uuid(), &mut id));
                let roles: Vec<&str> = principal.roles().iter().map(|role| role.as_str()).collect();
                tell(X_USER_ROLES, &roles.join(" "));
            }
            Subject::Person(person) => {
                tell(X_AUTH_PROVIDER, &person.provider);
                tell(X_AUTH_SUBJECT, &person.subject);
                let roles: Vec<&str> = person.roles.iter().map(|role| role.as_str()).collect();
                tell(X_USER_ROLES, &roles.join(" "));
                tell(X_AUTH_SCOPES, &person.scopes.join(" "));
            }
            Subject::Key(known) => {
                tell(X_AUTH_KEY_ID, written(known.id.uuid(), &mut id));
                tell(X_AUTH_OWNER, written(known.owner.uuid(), &mut id));
                tell(X_AUTH_SCOPES, &known.scopes().join(" "));
            }
            Subject::Service(name) => tell(X_AUTH_SERVICE, name),
        }
    }
}

fn written(id: Uuid, space: &mut [u8; Hyphenated::LENGTH]) -> &str {
    id.hyphenated().encode_lower(space)
}

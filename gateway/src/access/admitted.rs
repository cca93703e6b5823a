//! Who was let in, and what an upstream is told of them.

use super::Access;
use chassis::identity::Principal;
use contract::ids::UserId;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

/// Who asks, for an upstream that cannot verify it. Only the door sets these: what a client sends by these names ends at it
/// (`headers.rs`).
const X_USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const X_USER_ROLES: HeaderName = HeaderName::from_static("x-user-roles");
const X_AUTH_SERVICE: HeaderName = HeaderName::from_static("x-auth-service");
const X_AUTH_SCOPES: HeaderName = HeaderName::from_static("x-auth-scopes");
const TOLD: [HeaderName; 4] = [X_USER_ID, X_USER_ROLES, X_AUTH_SERVICE, X_AUTH_SCOPES];

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
    /// A service of the platform.
    Service(Box<str>),
}

impl Admitted {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject }
    }

    /// The person, when it is one with an account here.
    pub(crate) fn user(&self) -> Option<UserId> {
        match &self.subject {
            Subject::User(principal) => Some(principal.user()),
            _ => None,
        }
    }

    /// Prepares the headers of the request for the target: takes out what proves somebody here, and tells an upstream that is
    /// not Bowline's who it is. To be called after what clients may not send was removed.
    pub(crate) fn hand_on(&self, access: &Access, headers: &mut HeaderMap, toward: Toward) {
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
        match &self.subject {
            Subject::Nobody => {}
            Subject::User(principal) => {
                let mut id = [0; uuid::fmt::Hyphenated::LENGTH];
                tell(X_USER_ID, principal.user().uuid().hyphenated().encode_lower(&mut id));
                let roles: Vec<&str> = principal.roles().iter().map(|role| role.as_str()).collect();
                tell(X_USER_ROLES, &roles.join(" "));
            }
            Subject::Service(name) => tell(X_AUTH_SERVICE, name),
        }
    }
}

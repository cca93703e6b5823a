//! What each rule of a route says of a request, in words: for whoever wants to know why it was let in or not.

use super::{Access, Admitted, Guards, Who};
use axum::body::Body;
use chassis::http::RequestContext;
use http::Request;

/// What one rule says.
#[derive(Debug)]
pub(crate) struct Verdict {
    /// The field of `access` that it is about.
    pub(crate) rule: &'static str,
    /// Whether it lets the request through.
    pub(crate) passes: bool,
    /// Why.
    pub(crate) why: String,
}

impl Access {
    /// Each rule's verdict, by the functions that decide live, and who would be let in.
    pub(crate) async fn look(
        &self,
        guards: &Guards,
        cx: &RequestContext,
        request: &mut Request<Body>,
    ) -> (Vec<Verdict>, Option<Admitted>) {
        let near = self.address(cx.client_ip);
        let mut told = vec![Verdict {
            rule: "allow",
            passes: near.is_ok(),
            why: format!("{} asks; {}", cx.client_ip, self.addresses()),
        }];
        if near.is_err() {
            return (told, None);
        }
        let admitted = self.admit(guards, cx, request).await;
        let why = match &admitted {
            Ok(admitted) => format!("{}; it is {}", self.wanted(), admitted.subject),
            Err(error) => format!("{}; {}", self.wanted(), error.message()),
        };
        told.push(Verdict { rule: "who", passes: admitted.is_ok(), why });
        (told, admitted.ok())
    }

    fn addresses(&self) -> String {
        let list = |networks: &[super::spec::Network]| {
            networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        };
        match (self.allow.is_empty(), self.deny.is_empty()) {
            (true, true) => "open to every address".to_owned(),
            (true, false) => format!("open to every address but {}", list(&self.deny)),
            (false, true) => format!("open to {} only", list(&self.allow)),
            (false, false) => {
                format!("open to {} only, and of these not to {}", list(&self.allow), list(&self.deny))
            }
        }
    }

    pub(crate) fn wanted(&self) -> String {
        let mut text = match self.who {
            Who::Public => "open to everybody",
            Who::User => "wants somebody who is logged in",
            Who::Key => "wants an API key",
            Who::UserOrKey => "wants somebody who is logged in, or an API key",
            Who::Service => "wants a service of the platform",
        }
        .to_owned();
        if let Some(provider) = &self.provider {
            text = format!("{text} at {provider}");
        }
        if !self.roles.is_empty() {
            let roles: Vec<&str> = self.roles.iter().map(|role| role.as_str()).collect();
            text = format!("{text} with the role {}", roles.join(" or "));
        }
        if !self.scopes.is_empty() {
            text = format!("{text} with the scopes {}", self.scopes.join(" "));
        }
        match (self.who, self.services.is_empty()) {
            (Who::Service, _) => format!("{text}: {}", self.services.join(", ")),
            (_, false) => format!("{text}, or the services {}", self.services.join(", ")),
            (_, true) => text,
        }
    }
}

impl std::fmt::Display for super::Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nobody => f.write_str("not asked who it is"),
            Self::User(principal) => write!(f, "the user {}", principal.user()),
            Self::Person(person) => write!(f, "{} of {}", person.subject, person.provider),
            Self::Key(known) => write!(f, "the API key {}", known.id),
            Self::Service(name) => write!(f, "the service {name}"),
        }
    }
}

//! Who may use a route of the routes file.
//!
//! [`Access`] is what the file says of one route, made ready; [`Guards`] is what all routes ask: who a credential belongs to.
//! [`Access::admit`] decides, before anything is kept or sent, and says who it let in ([`Admitted`]); what is counted by user
//! finds in the request's context who that is.
//!
//! What must hold:
//! - Addresses come first and are nobody's to argue with: who is denied by address learns nothing else.
//! - One credential decides. A key that does not hold is not made good by a token beside it, nor the other way round.
//! - What proves somebody here proves nothing elsewhere: keys and cookies of this door reach no upstream, a token reaches one
//!   that is not Bowline's only where the route says so ([`Admitted::hand_on`]).
//! - An ordinary request of a route that is public, or that a token opens, waits for nothing and takes no lock: the token was
//!   verified when the edge read it, or is in its cache.
//!
//! What it does not do: it does not decide whose a thing is. That is for who has the thing.

mod admitted;
mod csrf;
mod look;
mod refusal;
mod sent;
mod spec;

#[cfg(test)]
pub(crate) mod probe;
#[cfg(test)]
mod tests;

pub(crate) use admitted::{Admitted, Subject, Toward};
pub(crate) use csrf::is_meant;
pub(crate) use spec::{AccessSpec, Who};

use crate::keys::{Held, Keys};
use crate::oidc::Providers;
use crate::origin::Origins;
use axum::body::Body;
use chassis::error::{ApiError, ApiResult};
use chassis::http::RequestContext;
use chassis::identity::Principal;
use contract::identity::Role;
use http::header::WWW_AUTHENTICATE;
use http::{HeaderValue, Request};
use refusal::{bearer, forbidden, insufficient, unknown};
use sent::{SentKey, bearer_token};
use spec::Network;
use std::net::IpAddr;
use std::sync::Arc;

/// What all routes ask.
#[derive(Debug)]
pub(crate) struct Guards {
    keys: Keys,
    providers: Providers,
    origins: Origins,
}

impl Guards {
    /// What a gateway's routes ask. `origins` are the pages that may send changing requests.
    pub(crate) fn new(keys: Keys, providers: Providers, origins: Origins) -> Self {
        Self { keys, providers, origins }
    }

    /// The identity providers that routes may name.
    pub(crate) fn providers(&self) -> &Providers {
        &self.providers
    }
}

/// Who may use one route.
#[derive(Debug)]
pub(crate) struct Access {
    who: Who,
    roles: Box<[Role]>,
    scopes: Box<[Box<str>]>,
    services: Box<[Box<str>]>,
    provider: Option<Box<str>>,
    allow: Box<[Network]>,
    deny: Box<[Network]>,
    csrf: bool,
    pass_authorization: bool,
    /// Pages that may send changing requests to this route, besides those of [`Guards`].
    origins: Box<[String]>,
    /// What a refusal asks for.
    challenge: HeaderValue,
}

impl Access {
    /// What a spec that was checked says. `origins` are those that the route allows to call it.
    pub(crate) fn new(spec: &AccessSpec, origins: &[String]) -> Self {
        let boxed = |texts: &[String]| texts.iter().map(|text| text.as_str().into()).collect();
        Self {
            who: spec.who,
            roles: spec.roles.as_slice().into(),
            scopes: boxed(&spec.scopes),
            services: boxed(&spec.services),
            provider: spec.provider.as_deref().map(Into::into),
            allow: spec.allow.as_slice().into(),
            deny: spec.deny.as_slice().into(),
            csrf: spec.csrf,
            pass_authorization: spec.pass_authorization,
            origins: origins.into(),
            challenge: refusal::challenge(spec.who),
        }
    }

    /// Lets a request in, and says who that is.
    ///
    /// # Errors
    /// 403 for an address or somebody who may not, 401 for nobody, 503 when nobody can tell.
    pub(crate) async fn admit(
        &self,
        guards: &Guards,
        cx: &RequestContext,
        request: &mut Request<Body>,
    ) -> ApiResult<Admitted> {
        self.address(cx.client_ip)?;
        if let Some(service) = self.service(cx) {
            return Ok(Admitted::new(Subject::Service(service.into())));
        }
        let subject = match self.who {
            Who::Public => Subject::Nobody,
            Who::Service => return Err(forbidden("Only services of the platform may use this route.")),
            Who::User => self.somebody(guards, cx, request).await?,
            Who::Key | Who::UserOrKey => match (SentKey::of(request.headers()), self.who) {
                (SentKey::None, Who::UserOrKey) => self.somebody(guards, cx, request).await?,
                (sent, _) => Subject::Key(self.key(guards, sent).await?),
            },
        };
        // Before it is asked what they may: whoever is refused for that is counted too.
        if let Some(name) = subject.caller() {
            cx.set_caller(name);
        }
        self.permit(&subject)?;
        Ok(Admitted::new(subject))
    }

    /// Whether it may let in somebody who is known by something else than an access token of the platform.
    pub(crate) fn knows_callers(&self) -> bool {
        self.who.is_key() || self.provider.is_some()
    }

    /// Whether somebody at this address may come near.
    fn address(&self, address: IpAddr) -> ApiResult<()> {
        let among = |networks: &[Network]| networks.iter().any(|network| network.contains(address));
        if among(&self.deny) || !(self.allow.is_empty() || among(&self.allow)) {
            return Err(forbidden("This route is not open to your address."));
        }
        Ok(())
    }

    /// The service that asks, when it is one that may.
    fn service<'a>(&self, cx: &'a RequestContext) -> Option<&'a str> {
        let caller = cx.calling_service.as_deref()?;
        self.services.iter().any(|name| **name == *caller).then_some(caller)
    }

    /// The person of the access token.
    fn person(&self, cx: &RequestContext) -> ApiResult<Principal> {
        match cx.identity() {
            Some(Ok(principal)) => Ok(principal.clone()),
            Some(Err(error)) => Err(bearer(*error)),
            None => Err(unknown("Log in first: this route wants an access token.", &self.challenge)),
        }
    }

    /// Somebody who is logged in: here, or at the provider that the route names.
    async fn somebody(
        &self,
        guards: &Guards,
        cx: &RequestContext,
        request: &mut Request<Body>,
    ) -> ApiResult<Subject> {
        let Some(name) = &self.provider else { return Ok(Subject::User(self.person(cx)?)) };
        let provider = guards.providers.get(name);
        let provider =
            provider.ok_or_else(|| ApiError::internal(anyhow::anyhow!("there is no provider {name}")))?;
        let person = match bearer_token(request.headers()) {
            Some(token) => provider.verify(token).await.map_err(refusal::token)?,
            None => match guards.providers.session(request.headers(), &provider) {
                None => return Err(unknown("Log in first.", &self.challenge)),
                Some(_) if self.csrf && !is_meant(request, cx.secure, &guards.origins, &self.origins) => {
                    return Err(forbidden("A page of another site may not do this with your session."));
                }
                Some(person) => Arc::new(person),
            },
        };
        Ok(Subject::Person(person))
    }

    /// The key that was sent.
    async fn key(&self, guards: &Guards, sent: SentKey<'_>) -> ApiResult<Held> {
        let SentKey::One(key) = sent else {
            return Err(unknown("This route wants one API key, in X-Api-Key.", &self.challenge));
        };
        guards.keys.verify(key).await.map_err(|error| {
            let refused = ApiError::from(error);
            match refused.status() {
                http::StatusCode::UNAUTHORIZED => refused.header(WWW_AUTHENTICATE, self.challenge.clone()),
                _ => refused,
            }
        })
    }

    /// Whether somebody who is known may use the route.
    fn permit(&self, subject: &Subject) -> ApiResult<()> {
        match subject {
            Subject::Nobody | Subject::Service(_) => Ok(()),
            Subject::User(principal) => self.with_role(principal.roles()),
            Subject::Person(person) => {
                self.with_role(&person.roles)?;
                self.with_scopes(|scope| person.has(scope))
            }
            Subject::Key(known) => self.with_scopes(|scope| known.has(scope)),
        }
    }

    fn with_role(&self, roles: &[Role]) -> ApiResult<()> {
        if self.roles.is_empty() || self.roles.iter().any(|role| roles.contains(role)) {
            return Ok(());
        }
        let named: Vec<&str> = self.roles.iter().map(|role| role.as_str()).collect();
        Err(forbidden(format!("This needs the role {}.", named.join(" or "))))
    }

    fn with_scopes(&self, has: impl Fn(&str) -> bool) -> ApiResult<()> {
        if self.scopes.iter().all(|scope| has(scope)) {
            return Ok(());
        }
        Err(insufficient(&self.scopes))
    }
}

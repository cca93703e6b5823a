//! What is known about the request in hand, for whatever runs inside it.
//!
//! The edge makes one context a request and scopes the handling to it, so that an error can name the request, a log
//! line the correlation, and a call to a peer can hand on the deadline, the trace and the identity, without any of them
//! being passed from hand to hand.

use super::edge::EdgeShared;
use super::tls::ClientCert;
use crate::error::ApiResult;
use crate::identity::{Principal, TokenError};
use crate::telemetry::trace::TraceContext;
use axum::extract::FromRequestParts;
use axum::extract::MatchedPath;
use http::request::Parts;
use http::{HeaderValue, Method};
use std::net::IpAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::time::Instant;

tokio::task_local! {
    static CURRENT: Arc<RequestContext>;
}

/// The route that a request matched.
#[derive(Debug, Clone)]
pub(crate) enum Matched {
    /// The template of a router.
    Router(MatchedPath),
    /// The name of a way.
    Way(Arc<str>),
}

impl Matched {
    pub(crate) fn as_str(&self) -> &str {
        match self {
            Self::Router(path) => path.as_str(),
            Self::Way(name) => name,
        }
    }
}

/// The request in hand.
#[derive(Debug)]
pub struct RequestContext {
    /// Finds this request in the log.
    pub request_id: Box<str>,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: Box<str>,
    /// Where this request stands in its trace (W3C trace context).
    pub trace: TraceContext,
    /// When the caller stops waiting.
    pub deadline: Instant,
    /// The client's address, through trusted proxies only.
    pub client_ip: IpAddr,
    /// Whether the client came over HTTPS: to this process, or as far as trusted proxies say.
    pub secure: bool,
    /// The client's certificate, where this process asked for one and has verified it.
    pub client_cert: Option<Arc<ClientCert>>,
    /// Name and version of the client as it says, cut to 200 characters.
    pub user_agent: Option<Box<str>>,
    /// Whether the client asked for RFC 9457 problem details.
    pub wants_problem: bool,
    /// The peer that calls, proved by its credential or by being in this process.
    pub calling_service: Option<Box<str>>,
    pub(crate) method: Method,
    pub(crate) path: Box<str>,
    pub(crate) authorization: Option<HeaderValue>,
    pub(crate) principal: OnceLock<Result<Principal, TokenError>>,
    pub(crate) caller: OnceLock<Box<str>>,
    pub(crate) route: OnceLock<Matched>,
    /// Whether a call to a peer failed in the course of this request, or of one that it is made in the course of.
    pub(crate) retries_spent: Arc<AtomicBool>,
    pub(crate) edge: Arc<EdgeShared>,
}

impl RequestContext {
    /// The request that this task handles; none outside of one.
    #[must_use]
    pub fn current() -> Option<Arc<Self>> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// What is left until the deadline; zero when it has passed.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Who is asking, when the request carries a token that holds.
    #[must_use]
    pub fn principal(&self) -> Option<Principal> {
        self.identity().and_then(|identity| identity.as_ref().ok().cloned())
    }

    /// Who is asking, if anybody says who.
    ///
    /// # Errors
    /// When the token that says so does not hold.
    pub fn maybe_principal(&self) -> ApiResult<Option<Principal>> {
        Ok(self.identity().cloned().transpose()?)
    }

    /// Who is asking: nobody, somebody proved, or a token that does not hold.
    #[must_use]
    pub fn identity(&self) -> Option<&Result<Principal, TokenError>> {
        let header = self.authorization.as_ref()?;
        Some(self.principal.get_or_init(|| self.edge.verifier.verify_header(header)))
    }

    /// Says who asks, proved by something else than an access token of the platform, such as an API key: a name that nobody
    /// else has. It holds for this request at this service, and the first one stays.
    pub fn set_caller(&self, name: impl Into<Box<str>>) {
        self.caller.get_or_init(|| name.into());
    }

    /// Who asks, when something else than an access token has proved it.
    #[must_use]
    pub fn caller(&self) -> Option<&str> {
        self.caller.get().map(|name| &**name)
    }

    /// Runs a future as a part of this request: what it logs, fails with and asks of peers belongs to it. For work that goes on
    /// in a worker while who asked is listening.
    pub fn scope<F: Future>(
        self: Arc<Self>,
        future: F,
    ) -> tokio::task::futures::TaskLocalFuture<Arc<Self>, F> {
        CURRENT.scope(self, future)
    }

    /// Names the request in hand to a log line; whether there is one.
    pub(super) fn tell_current(tell: &mut dyn FnMut(&'static str, &str)) -> bool {
        Self::with_current(|request| request.tell(tell)).is_some()
    }

    fn tell(&self, tell: &mut dyn FnMut(&'static str, &str)) {
        tell("service", self.edge.service);
        tell("request_id", &self.request_id);
        tell("correlation_id", &self.correlation_id);
        tell("trace_id", &self.trace.trace_id().to_string());
        tell("method", self.method.as_str());
        tell("path", &self.path);
        if let Some(Ok(principal)) = self.principal.get() {
            tell("user", &principal.user().to_string());
        }
    }

    pub(crate) fn with_current<T>(read: impl FnOnce(&Self) -> T) -> Option<T> {
        CURRENT.try_with(|context| read(context)).ok()
    }
}

/// The context as a handler's parameter.
#[derive(Debug, Clone)]
pub struct Cx(pub Arc<RequestContext>);

impl std::ops::Deref for Cx {
    type Target = RequestContext;

    fn deref(&self) -> &RequestContext {
        &self.0
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Cx {
    type Rejection = crate::error::ApiError;

    async fn from_request_parts(_: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let context = RequestContext::current();
        context
            .map(Cx)
            .ok_or_else(|| crate::error::ApiError::internal(anyhow::anyhow!("no edge around this router")))
    }
}

//! A route of the file while it is live: what happens to a request that is meant for it, in this order.
//!
//! 1. Its limits, and those that hold for everybody, are counted.
//! 2. Whoever may not use it is refused. Its limits by user are counted only here where it may be a key or a person of a
//!    provider who asks: now it is known.
//! 3. A roll-out picks the target, where the route has one.
//! 4. What is kept of that target's answers answers it.
//! 5. A handshake of a WebSocket is told from a request.
//! 6. Path and headers become what the target is asked for, and the target is asked.
//! 7. The answer gets the route's headers, and is kept with them.
//!
//! What must hold: a route that is as it was before a reload is the same route after it, with everything that is open.

mod aggregated;
mod explained;
mod parted;

use crate::access::{Access, Admitted, Guards, Toward};
use crate::cache::{Asker, CacheRule, ResponseCache};
use crate::headers;
use crate::oidc::Providers;
use crate::origin::Origins;
use crate::proxy;
use crate::rollout::{Pick, Rollouts};
use crate::routes::Services;
use crate::table::{Planned, plain};
use crate::upgrade::{self, Tunnels, Upgrades};
use crate::upstream::{Ask, Client, Sent, Upstream, UpstreamSpec};
use aggregated::Aggregated;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Attending, Cors, RequestContext, Way};
use chassis::limits::{Counted, Limits, RouteLimits};
use chassis::peer::hand_on;
use chassis::service::Context;
use chassis::stop::Stop;
use contract::ErrorCode;
use http::header::{CACHE_CONTROL, HOST, HeaderValue, LOCATION, SET_COOKIE};
use http::uri::{Authority, PathAndQuery};
use http::{HeaderMap, Request, StatusCode, Uri};
use parted::Parted;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Attempts on the instances of an upstream, where the route says nothing.
const TRIES: u32 = 2;

/// What routes are made live on.
#[derive(Debug)]
pub(crate) struct Ground {
    limits: Limits,
    services: Services,
    tunnels: Arc<Tunnels>,
    origins: Origins,
    guards: Guards,
    stop: Stop,
    cache: ResponseCache,
    rollouts: Rollouts,
}

/// A live route.
#[derive(Debug)]
pub(crate) struct Route {
    planned: Arc<Planned>,
    limits: RouteLimits,
    cors: Option<Cors>,
    access: Access,
    cache: Option<CacheRule>,
    target: Target,
    /// What picks another target.
    parted: Option<Box<Parted>>,
    ground: Arc<Ground>,
}

/// Where a route leads.
#[derive(Debug)]
enum Target {
    /// A service of the platform, as this route leads to it.
    Service(Arc<proxy::Upstream>),
    /// What is no service of the platform.
    Upstream(Arc<Upstream>, Upgrades),
    /// Several of them, from whose answers one is put together.
    Aggregate(Box<Aggregated>),
    /// The client is sent elsewhere.
    Redirect,
}

impl Ground {
    pub(crate) fn new(
        context: &Context,
        guards: Guards,
        services: &Services,
        (tunnels, origins): (&Arc<Tunnels>, &Origins),
        (cache, rollouts): (&ResponseCache, &Rollouts),
    ) -> Arc<Self> {
        Arc::new(Self {
            limits: context.limits(),
            services: services.clone(),
            tunnels: tunnels.clone(),
            origins: origins.clone(),
            guards,
            stop: context.stop().clone(),
            cache: cache.clone(),
            rollouts: rollouts.clone(),
        })
    }

    /// The names of the services that a route may lead to.
    pub(crate) fn services(&self) -> Vec<&str> {
        self.services.keys().copied().collect()
    }

    /// The identity providers that a file may name.
    pub(crate) fn providers(&self) -> &Providers {
        self.guards.providers()
    }

    /// Begins to look after an upstream.
    ///
    /// # Errors
    /// What is wrong with it.
    pub(crate) fn upstream(&self, name: &str, spec: &UpstreamSpec) -> anyhow::Result<Arc<Upstream>> {
        Upstream::open(name, spec.clone(), &self.stop)
    }
}

impl Route {
    /// Makes a route, ready to be begun.
    ///
    /// # Errors
    /// When what it leads to is not there; the plan has been checked for that.
    pub(crate) fn new(
        planned: &Arc<Planned>,
        upstreams: &BTreeMap<String, Arc<Upstream>>,
        ground: &Arc<Ground>,
    ) -> anyhow::Result<Arc<Self>> {
        let spec = &planned.spec;
        let target = match (&spec.aggregate, &spec.service, &spec.upstream) {
            (Some(aggregate), ..) => Target::of_aggregate(aggregate, planned, upstreams, ground)?,
            (None, Some(name), _) => Target::of_service(name, &planned.name, ground)?,
            (None, None, Some(name)) => Target::of_upstream(name, &planned.name, upstreams, ground)?,
            (None, None, None) => Target::Redirect,
        };
        let access = Access::new(&planned.access, spec.cors.as_deref().unwrap_or_default());
        Ok(Arc::new(Self {
            limits: ground.limits.of_route(&planned.name, &planned.quotas, access.knows_callers())?,
            cors: spec.cors.as_deref().map(Cors::new),
            access,
            cache: spec.cache.as_ref().map(|cache| CacheRule::new(&planned.name, cache)),
            parted: Parted::of(planned, upstreams, ground)?.map(Box::new),
            planned: planned.clone(),
            target,
            ground: ground.clone(),
        }))
    }

    /// Whether a route that was planned anew, beside these upstreams, is this one.
    pub(crate) fn is(&self, planned: &Planned, upstreams: &BTreeMap<String, Arc<Upstream>>) -> bool {
        self.planned.spec == planned.spec
            && self.parted.iter().all(|parted| parted.is_of(&planned.spec, upstreams))
    }

    pub(crate) fn planned(&self) -> &Planned {
        &self.planned
    }

    /// Has it hold from now on.
    pub(crate) fn begin(&self) {
        self.parted.iter().for_each(|parted| parted.begin(&self.planned, &self.ground));
    }

    /// Ends the tunnels through it: it is no more.
    pub(crate) fn end(&self) {
        self.target.end();
        self.parted.iter().for_each(|parted| parted.end());
    }

    /// How a request is sent to an upstream.
    fn how<B>(&self, upstream: &Upstream, cx: &RequestContext, request: &Request<B>) -> Ask {
        let tries = self.planned.spec.tries.unwrap_or(TRIES);
        // Only then, as a public route need not look at a token.
        let user = upstream.asks_for_user().then(|| cx.identity()?.as_ref().ok()).flatten();
        let user = user.map(|principal| principal.user().uuid());
        let client = Client { uri: request.uri(), headers: request.headers(), ip: cx.client_ip, user };
        upstream.ask(&client, cx.deadline, tries)
    }

    /// Answers a request.
    async fn serve(self: &Arc<Self>, request: Request<Body>, cx: &Arc<RequestContext>) -> Response {
        let mut counted = self.ground.limits.count(&self.limits, cx, &request).await;
        let mut response = match counted.refused() {
            None => {
                self.admitted(request, cx, &mut counted).await.unwrap_or_else(IntoResponse::into_response)
            }
            Some(refusal) => refusal.into_response(),
        };
        if self.target.is_service() || self.parted.as_ref().is_some_and(|parted| parted.has_service()) {
            // What a service says nothing about is for who asked alone, wherever it runs.
            let headers = response.headers_mut();
            headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
        }
        counted.tell(response.headers_mut());
        response
    }

    /// Lets a request in, and answers it for the target that is picked.
    async fn admitted<'a>(
        self: &'a Arc<Self>,
        mut request: Request<Body>,
        cx: &Arc<RequestContext>,
        counted: &mut Counted<'a>,
    ) -> ApiResult<Response> {
        let admitted = self.access.admit(&self.ground.guards, cx, &mut request).await;
        counted.add(self.ground.limits.count_caller(&self.limits, cx, &request).await);
        if let Some(refusal) = counted.refused() {
            return Err(refusal);
        }
        let admitted = admitted?;
        let Some(parted) = &self.parted else {
            return self.kept(request, cx, admitted, Pick::default()).await;
        };
        let (pick, assigned) = parted.choose(cx, &admitted, request.headers());
        let mut response = self.kept(request, cx, admitted, pick).await?;
        if let Some(assigned) = assigned {
            // It is who asked's own, and nothing of what is kept.
            response.headers_mut().append(SET_COOKIE, assigned);
        }
        Ok(response)
    }

    /// Answers a request with what is kept, or else with what the target says.
    async fn kept(
        self: &Arc<Self>,
        mut request: Request<Body>,
        cx: &Arc<RequestContext>,
        admitted: Admitted,
        pick: Pick,
    ) -> ApiResult<Response> {
        let Some(rule) = &self.cache else { return self.ask(request, cx, &admitted, pick).await };
        // It is kept, and purged, under the one form of its path.
        plainly(&mut request)?;
        let path = request.uri().path().to_owned();
        let captures = self.planned.pattern.captures(&path).unwrap_or_default();
        let asker = Asker { side: pick.place, ..admitted.asker(cx) };
        let (route, cx) = (Arc::clone(self), Arc::clone(cx));
        let next = async move |request| {
            route.ask(request, &cx, &admitted, pick).await.unwrap_or_else(IntoResponse::into_response)
        };
        // Boxed, as every request would else make room for what few need.
        Ok(Box::pin(self.ground.cache.through(rule, asker, &captures, request, next)).await)
    }

    /// Asks the target.
    async fn ask(
        &self,
        request: Request<Body>,
        cx: &RequestContext,
        admitted: &Admitted,
        pick: Pick,
    ) -> ApiResult<Response> {
        let mut response = match &self.parted {
            None => self.through(&self.target, request, cx, admitted).await?,
            Some(parted) => Box::pin(self.picked((parted, pick), request, cx, admitted)).await?,
        };
        self.planned.response_edit.apply(response.headers_mut());
        Ok(response)
    }

    /// Asks this target.
    async fn through(
        &self,
        target: &Target,
        mut request: Request<Body>,
        cx: &RequestContext,
        admitted: &Admitted,
    ) -> ApiResult<Response> {
        match target {
            Target::Service(service) => {
                self.readdress(&mut request)?;
                admitted.hand_on(&self.access, request.headers_mut(), Toward::Bowline);
                self.planned.request_edit.apply(request.headers_mut());
                proxy::pass(service, cx, Some(admitted), request).await
            }
            Target::Upstream(upstream, upgrades) => {
                self.readdress(&mut request)?;
                self.elsewhere((upstream, upgrades), cx, admitted, request).await
            }
            Target::Aggregate(aggregated) => Box::pin(self.together(aggregated, request, cx, admitted)).await,
            Target::Redirect => self.redirect(&request),
        }
    }

    /// Sends a request on to what is no service of the platform.
    async fn elsewhere(
        &self,
        (upstream, upgrades): (&Upstream, &Upgrades),
        cx: &RequestContext,
        admitted: &Admitted,
        mut request: Request<Body>,
    ) -> ApiResult<Response> {
        if !upgrade::is_served(request.method()) {
            let message = "The gateway does not serve this method.";
            return Err(ApiError::new(ErrorCode::MethodNotAllowed, message));
        }
        let handshake = upgrades.take(&mut request, cx, |headers| Ok(admitted.opener(headers)))?;
        let authority = request.uri().authority().cloned();
        self.outgoing(request.headers_mut(), authority.as_ref(), cx, admitted);
        let ask = self.how(upstream, cx, &request);
        let send = async |request| {
            let Sent { mut response, stick, .. } = upstream.send(request, &ask).await?;
            if let Some(stick) = stick {
                response.headers_mut().append(SET_COOKIE, stick);
            }
            Ok(response)
        };
        let answer = match handshake {
            Some(handshake) => Box::pin(upgrades.pass(handshake, request, send)).await?,
            None => proxy::ordinary(send(request).await?)?,
        };
        Ok(proxy::received(&self.ground.stop, answer))
    }

    /// Prepares the headers of a request for what is no service of the platform.
    fn outgoing(
        &self,
        headers: &mut HeaderMap,
        authority: Option<&Authority>,
        cx: &RequestContext,
        admitted: &Admitted,
    ) {
        headers::inbound(headers, authority);
        hand_on(headers, cx);
        admitted.hand_on(&self.access, headers, Toward::Elsewhere);
        self.planned.request_edit.apply(headers);
        if self.planned.spec.preserve_host
            && let Some(host) = headers.get(headers::X_FORWARDED_HOST).cloned()
        {
            headers.insert(HOST, host);
        }
    }

    /// Gives a request the path that the target is asked for: the one that was matched, or what it is rewritten to.
    fn readdress<B>(&self, request: &mut Request<B>) -> ApiResult<()> {
        let sent = request.uri();
        let path = plain(sent.path()).map_err(|_| ApiError::not_found("route"))?;
        let wanted = match &self.planned.rewrite {
            Some(template) => template.fill(&self.planned.pattern.captures(&path).unwrap_or_default()),
            None if matches!(path, Cow::Borrowed(_)) => return Ok(()),
            None => path.into_owned(),
        };
        set_path(request, wanted)
    }

    fn redirect(&self, request: &Request<Body>) -> ApiResult<Response> {
        let (status, to) = match &self.planned.redirect {
            Some((status, template)) => (*status, template),
            None => return Err(ApiError::not_found("route")),
        };
        let path = plain(request.uri().path()).map_err(|_| ApiError::not_found("route"))?;
        let mut to = to.fill(&self.planned.pattern.captures(&path).unwrap_or_default());
        if let Some(query) = request.uri().query() {
            to.push(if to.contains('?') { '&' } else { '?' });
            to.push_str(query);
        }
        let mut response = StatusCode::into_response(status);
        let to = HeaderValue::from_str(&to).map_err(ApiError::internal)?;
        response.headers_mut().insert(LOCATION, to);
        Ok(response)
    }
}

/// Gives a request the one form of its path.
fn plainly<B>(request: &mut Request<B>) -> ApiResult<()> {
    let path = match plain(request.uri().path()).map_err(|_| ApiError::not_found("route"))? {
        Cow::Borrowed(_) => return Ok(()),
        Cow::Owned(path) => path,
    };
    set_path(request, path)
}

/// Gives a request another path; its query stays.
fn set_path<B>(request: &mut Request<B>, path: String) -> ApiResult<()> {
    let wanted = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let wanted = PathAndQuery::try_from(wanted).map_err(|_| ApiError::not_found("route"))?;
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.path_and_query = Some(wanted);
    *request.uri_mut() = Uri::from_parts(parts).map_err(|_| ApiError::not_found("route"))?;
    Ok(())
}

impl Way for Route {
    fn label(&self) -> &Arc<str> {
        &self.planned.name
    }

    fn timeout(&self) -> Option<Duration> {
        self.planned.timeout()
    }

    fn body_limit(&self) -> Option<usize> {
        self.planned.spec.body_limit
    }

    fn cors(&self) -> Option<&Cors> {
        self.cors.as_ref()
    }

    fn compresses(&self) -> bool {
        self.planned.spec.compress
    }

    fn attend(self: Arc<Self>, request: Request<Body>, cx: Arc<RequestContext>) -> Attending {
        Box::pin(async move { self.serve(request, &cx).await })
    }
}

//! A route of the file while it is live: what happens to a request that is meant for it, in this order.
//!
//! 1. Its limits, and those that hold for everybody, are counted.
//! 2. Whoever may not use it is refused. Its limits by user are counted only here where it may be a key or a person of a
//!    provider who asks: now it is known.
//! 3. What is kept for it answers it.
//! 4. A handshake of a WebSocket is told from a request.
//! 5. A roll-out picks the target, where the route has one.
//! 6. Path and headers become what the target is asked for, and the target is asked.
//! 7. The answer gets the route's headers, and is kept with them.
//!
//! What must hold: a route that is as it was before a reload is the same route after it, with everything that is open.

mod aggregated;
mod parted;

use crate::access::{Access, Admitted, Guards, Toward};
use crate::cache::{CacheRule, ResponseCache};
use crate::explain::Verdicts;
use crate::headers;
use crate::oidc::ProviderSpec;
use crate::origin::Origins;
use crate::proxy;
use crate::rollout::Rollouts;
use crate::routes::Services;
use crate::table::{Planned, plain};
use crate::upgrade::{self, Tunnels, Upgrades};
use crate::upstream::{Ask, Client, LookInstance, Sent, Upstream, UpstreamSpec};
use aggregated::Aggregated;
use axum::body::Body;
use axum::response::IntoResponse;
use axum::response::Response;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Attending, Cors, RequestContext, Way};
use chassis::limits::{Counted, Left, Limits, RouteLimits};
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

    /// Takes over the identity providers that a file names.
    ///
    /// # Errors
    /// When a secret of theirs cannot be read.
    pub(crate) fn name_providers(&self, named: &BTreeMap<String, ProviderSpec>) -> anyhow::Result<()> {
        self.guards.providers().change(named)
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
    /// Makes a route live.
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

    /// Whether a route that was planned anew is this one.
    pub(crate) fn is(&self, planned: &Planned) -> bool {
        self.planned.spec == planned.spec
    }

    pub(crate) fn planned(&self) -> &Planned {
        &self.planned
    }

    /// Ends the tunnels through it: it is no more.
    pub(crate) fn end(&self) {
        self.target.end();
        self.parted.iter().for_each(|parted| parted.end());
    }

    /// What its layers say of a request because they are live: who asks, what is left of limits, how its upstream is.
    pub(crate) async fn explain(
        &self,
        verdicts: &mut Verdicts<'_>,
        cx: &RequestContext,
        request: &mut Request<Body>,
    ) {
        for verdict in self.access.look(&self.ground.guards, cx, request).await {
            let passes = if verdict.passes { "lets through" } else { "refuses" };
            verdicts.say("access", "access", format!("{} {passes}: {}", verdict.rule, verdict.why));
        }
        match self.ground.limits.look(&self.limits, cx, request).await {
            Ok(all) => {
                for Left { name, quota, remaining } in all {
                    let left = remaining.map_or("not counted".to_owned(), |left| format!("{left} left"));
                    verdicts.say("limits", "limits", format!("{name}, {quota}: {left}"));
                }
            }
            Err(error) => {
                verdicts.say("limits", "limits", format!("nobody can tell now: {}", error.message()))
            }
        }
        if let Ok(admitted) = self.access.admit(&self.ground.guards, cx, request).await {
            if let Some(rule) = &self.cache {
                let look = self.ground.cache.look(rule, admitted.asker(cx), request);
                verdicts.say("kept", "cache", look.to_string());
            }
            if let Some(parted) = &self.parted {
                parted.explain(verdicts, cx, &admitted, request);
            }
        }
        if let Target::Upstream(upstream, _) = &self.target {
            let look = upstream.look(&self.how(upstream, cx, request));
            let taken = look.taken.as_deref().unwrap_or("nobody");
            verdicts.say("upstream", "upstream", format!("{taken} would be asked: {}", look.why));
            for instance in look.instances {
                let LookInstance { url, state, in_flight, connections, latency_ms, .. } = instance;
                let says =
                    format!("{url} is {state}: {in_flight} in flight, {connections} open, {latency_ms} ms");
                verdicts.say("instance", "upstream", says);
            }
        }
    }

    /// How a request is sent to an upstream.
    fn how(&self, upstream: &Upstream, cx: &RequestContext, request: &Request<Body>) -> Ask {
        let tries = self.planned.spec.tries.unwrap_or(TRIES);
        let user = cx.identity().and_then(|identity| identity.as_ref().ok());
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

    /// Lets a request in, and answers it with what is kept, or else with what the target says.
    async fn admitted(
        self: &Arc<Self>,
        mut request: Request<Body>,
        cx: &Arc<RequestContext>,
        counted: &mut Counted,
    ) -> ApiResult<Response> {
        let admitted = self.access.admit(&self.ground.guards, cx, &mut request).await;
        counted.add(self.ground.limits.count_caller(&self.limits, cx, &request).await);
        if let Some(refusal) = counted.refused() {
            return Err(refusal);
        }
        let admitted = admitted?;
        let Some(rule) = &self.cache else { return self.ask(request, cx, &admitted).await };
        let path = request.uri().path().to_owned();
        let path = plain(&path).map_err(|_| ApiError::not_found("route"))?;
        if let Cow::Owned(path) = &path {
            // It is kept, and purged, under the one form of its path.
            set_path(&mut request, path.clone())?;
        }
        let captures = self.planned.pattern.captures(&path).unwrap_or_default();
        let (route, cx, asker) = (Arc::clone(self), Arc::clone(cx), admitted.asker(cx));
        let next = async move |request| {
            route.ask(request, &cx, &admitted).await.unwrap_or_else(IntoResponse::into_response)
        };
        Ok(self.ground.cache.through(rule, asker, &captures, request, next).await)
    }

    /// Asks the target.
    async fn ask(
        &self,
        request: Request<Body>,
        cx: &RequestContext,
        admitted: &Admitted,
    ) -> ApiResult<Response> {
        let mut response = match &self.parted {
            None => self.through(&self.target, request, cx, admitted).await?,
            Some(parted) => self.picked(parted, request, cx, admitted).await?,
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
                proxy::pass(service, cx, request).await
            }
            Target::Upstream(upstream, upgrades) => {
                self.readdress(&mut request)?;
                self.elsewhere((upstream, upgrades), cx, admitted, request).await
            }
            Target::Aggregate(aggregated) => self.together(aggregated, request, cx, admitted).await,
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
        let handshake = upgrades.take(&mut request, cx, || Ok(admitted.principal()))?;
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
            Some(handshake) => upgrades.pass(handshake, request, send).await?,
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

//! A route whose requests do not all go one way.

use super::{Ground, Route, Target};
use crate::access::{Admitted, Subject};
use crate::explain::Verdicts;
use crate::rollout::{Asker, Mirror, Pick, Split};
use crate::table::{Planned, RouteSpec};
use crate::upgrade::Upgrades;
use crate::upstream::Upstream;
use axum::body::Body;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::RequestContext;
use http::Request;
use http::header::{HeaderMap, HeaderValue};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Where such a route leads besides its own target.
#[derive(Debug)]
pub(super) struct Parted {
    split: Split,
    others: Vec<Target>,
    mirror: Option<Mirror>,
}

impl Parted {
    /// That of a route; nothing when all of its requests go one way.
    pub(super) fn of(
        planned: &Planned,
        upstreams: &BTreeMap<String, Arc<Upstream>>,
        ground: &Ground,
    ) -> anyhow::Result<Option<Self>> {
        let (spec, route) = (&planned.spec, &planned.name);
        let Some(split) = Split::of(route, spec, &ground.rollouts) else { return Ok(None) };
        let other = |name| match upstreams.contains_key(name) {
            true => Target::of_upstream(name, route, upstreams, ground),
            false => Target::of_service(name, route, ground),
        };
        let others = Split::targets(spec).into_iter().map(other).collect::<anyhow::Result<_>>()?;
        let mirror = spec.mirror.as_ref().map(|mirror| {
            let upstream = named(upstreams, &mirror.to)?;
            anyhow::Ok(Mirror::new(route, mirror, upstream, ground.stop.clone()))
        });
        Ok(Some(Self { split, others, mirror: mirror.transpose()? }))
    }

    /// Has what the route says of it hold from now on.
    pub(super) fn begin(&self, planned: &Planned, ground: &Ground) {
        self.split.begin(&planned.spec, &ground.rollouts);
    }

    pub(super) fn end(&self) {
        self.others.iter().for_each(Target::end);
    }

    /// Whether it leads to what these names mean now: a name may have become that of an upstream, or be it no more.
    pub(super) fn is_of(&self, spec: &RouteSpec, upstreams: &BTreeMap<String, Arc<Upstream>>) -> bool {
        let mut named = Split::targets(spec).into_iter().zip(&self.others);
        named.all(|(name, other)| matches!(other, Target::Upstream(..)) == upstreams.contains_key(name))
    }

    pub(super) fn has_service(&self) -> bool {
        self.others.iter().any(Target::is_service)
    }

    /// Picks the target of a request; also what the browser is given, so that it comes to the same one again.
    pub(super) fn choose(
        &self,
        cx: &RequestContext,
        admitted: &Admitted,
        headers: &HeaderMap,
    ) -> (Pick, Option<HeaderValue>) {
        self.split.choose(&asker(cx, admitted, headers))
    }
}

impl Parted {
    /// What would be picked for a request, and the places that it may come to: all, where nobody would be let in.
    pub(super) fn look(
        &self,
        verdicts: &mut Verdicts<'_>,
        cx: &RequestContext,
        admitted: Option<&Admitted>,
        headers: &HeaderMap,
    ) -> Vec<Option<usize>> {
        let look = admitted.and_then(|admitted| self.split.look(&asker(cx, admitted, headers)));
        let Some((says, places)) = look else { return self.split.places() };
        verdicts.say(self.part(), self.part(), says);
        places
    }

    /// The part of the route that picks.
    pub(super) fn part(&self) -> &'static str {
        self.split.part()
    }

    /// The target that is picked by a place; nothing for the route's own.
    pub(super) fn target(&self, place: Option<usize>) -> Option<&Target> {
        self.others.get(place?)
    }
}

impl Route {
    /// Asks the target that was picked for a request, and has copies made.
    pub(super) async fn picked(
        &self,
        (parted, pick): (&Parted, Pick),
        mut request: Request<Body>,
        cx: &RequestContext,
        admitted: &Admitted,
    ) -> ApiResult<Response> {
        if let Some(mirror) = &parted.mirror
            && mirror.wants(&request)
            && let Ok(copy) = self.copy_of(&request, cx, admitted)
        {
            request = mirror.copy(copy, request);
        }
        let target = parted.target(pick.place).unwrap_or(&self.target);
        let measuring = parted.split.measure(pick, cx.deadline);
        let answer = self.through(target, request, cx, admitted).await;
        if let Some(measuring) = measuring {
            measuring.end(&answer);
        }
        answer
    }

    /// The head of a request as an upstream is to see it.
    pub(super) fn copy_of(
        &self,
        request: &Request<Body>,
        cx: &RequestContext,
        admitted: &Admitted,
    ) -> ApiResult<Request<()>> {
        let mut copy = head_of(request);
        self.readdress(&mut copy)?;
        let authority = copy.uri().authority().cloned();
        self.outgoing(copy.headers_mut(), authority.as_ref(), cx, admitted);
        Ok(copy)
    }
}

/// The head of a request, once more.
pub(super) fn head_of(request: &Request<Body>) -> Request<()> {
    let mut head = Request::new(());
    request.method().clone_into(head.method_mut());
    request.uri().clone_into(head.uri_mut());
    request.headers().clone_into(head.headers_mut());
    head
}

/// Whose request it is.
fn asker<'a>(cx: &RequestContext, admitted: &Admitted, headers: &'a HeaderMap) -> Asker<'a> {
    let who = match &admitted.subject {
        Subject::User(principal) => Some(principal.user().uuid().as_bytes().to_vec()),
        Subject::Key(known) => Some(known.id.uuid().as_bytes().to_vec()),
        Subject::Person(person) => Some(format!("{}\0{}", person.provider, person.subject).into_bytes()),
        // A route that asks nobody who they are may still be asked by somebody who says.
        Subject::Nobody => {
            let token = cx.identity().and_then(|identity| identity.as_ref().ok());
            token.map(|principal| principal.user().uuid().as_bytes().to_vec())
        }
        Subject::Service(_) => None,
    };
    Asker { ip: cx.client_ip, who, secure: cx.secure, headers }
}

impl Target {
    /// A service of the platform, as a route leads to it.
    pub(super) fn of_service(name: &str, route: &Arc<str>, ground: &Ground) -> anyhow::Result<Self> {
        let service = ground.services.get(name);
        let service = service.ok_or_else(|| anyhow::anyhow!("there is no service {name}"))?;
        Ok(Self::Service(Arc::new(service.through(upgrades(route, ground)))))
    }

    /// What is no service of the platform.
    pub(super) fn of_upstream(
        name: &str,
        route: &Arc<str>,
        upstreams: &BTreeMap<String, Arc<Upstream>>,
        ground: &Ground,
    ) -> anyhow::Result<Self> {
        Ok(Self::Upstream(named(upstreams, name)?, upgrades(route, ground)))
    }

    /// Ends the tunnels to it.
    pub(super) fn end(&self) {
        match self {
            Self::Service(service) => service.end_tunnels(),
            Self::Upstream(_, upgrades) => upgrades.end(),
            Self::Aggregate(_) | Self::Redirect => {}
        }
    }

    pub(super) fn is_service(&self) -> bool {
        matches!(self, Self::Service(_) | Self::Aggregate(_))
    }
}

pub(super) fn upgrades(route: &Arc<str>, ground: &Ground) -> Upgrades {
    Upgrades::new(Arc::clone(route), ground.tunnels.clone(), ground.origins.clone())
}

pub(super) fn named(
    upstreams: &BTreeMap<String, Arc<Upstream>>,
    name: &str,
) -> anyhow::Result<Arc<Upstream>> {
    upstreams.get(name).cloned().ok_or_else(|| anyhow::anyhow!("there is no upstream {name}"))
}

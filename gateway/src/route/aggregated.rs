//! A route whose answer is put together from several.

use super::parted::{named, upgrades};
use super::{Ground, Route, Target};
use crate::access::{Admitted, Toward};
use crate::aggregate::{Aggregate, AggregateSpec};
use crate::proxy;
use crate::table::{Planned, plain};
use crate::upgrade::Upgrades;
use crate::upstream::Upstream;
use axum::body::Body;
use axum::response::Response;
use chassis::error::{ApiError, ApiResult};
use chassis::http::RequestContext;
use http::Request;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The rule of such a route, and who is asked for each part.
#[derive(Debug)]
pub(super) struct Aggregated {
    rule: Aggregate,
    parts: Vec<To>,
    upgrades: Upgrades,
}

/// Who is asked for a part.
#[derive(Debug)]
enum To {
    Service(Arc<proxy::Upstream>),
    Upstream(Arc<Upstream>),
}

impl Target {
    /// What is put together by this rule.
    pub(super) fn of_aggregate(
        spec: &AggregateSpec,
        planned: &Planned,
        upstreams: &BTreeMap<String, Arc<Upstream>>,
        ground: &Ground,
    ) -> anyhow::Result<Self> {
        let to = |service: &Option<String>, upstream: &Option<String>| match (service, upstream) {
            (Some(name), _) => {
                let service = ground.services.get(name.as_str());
                let service = service.ok_or_else(|| anyhow::anyhow!("there is no service {name}"))?;
                Ok(To::Service(service.clone()))
            }
            (None, Some(name)) => Ok(To::Upstream(named(upstreams, name)?)),
            (None, None) => anyhow::bail!("a part of {} leads nowhere", planned.name),
        };
        let parts = spec.parts.iter().map(|part| to(&part.service, &part.upstream));
        Ok(Self::Aggregate(Box::new(Aggregated {
            rule: Aggregate::new(&planned.name, spec, &planned.pattern)?,
            parts: parts.collect::<anyhow::Result<_>>()?,
            upgrades: upgrades(&planned.name, ground),
        })))
    }
}

impl Route {
    /// Asks for all parts, and puts the answer together.
    pub(super) async fn together(
        &self,
        aggregated: &Aggregated,
        request: Request<Body>,
        cx: &RequestContext,
        admitted: &Admitted,
    ) -> ApiResult<Response> {
        let (head, _) = request.into_parts();
        let path = plain(head.uri.path()).map_err(|_| ApiError::not_found("route"))?;
        let captures = self.planned.pattern.captures(&path).unwrap_or_default();
        let ask = |at: usize, request| self.part(aggregated, at, cx, admitted, request);
        Ok(aggregated.rule.answer(&captures, &head.method, &head.headers, ask).await)
    }

    /// Asks for a part of an answer; `None` when whoever is to be asked is not installed.
    async fn part(
        &self,
        aggregated: &Aggregated,
        at: usize,
        cx: &RequestContext,
        admitted: &Admitted,
        mut request: Request<Body>,
    ) -> Option<ApiResult<Response>> {
        match aggregated.parts.get(at)? {
            To::Service(service) if !service.is_installed() => None,
            To::Service(service) => {
                admitted.hand_on(&self.access, request.headers_mut(), Toward::Bowline);
                self.planned.request_edit.apply(request.headers_mut());
                Some(proxy::pass(service, cx, Some(admitted), request).await)
            }
            To::Upstream(upstream) => {
                let to = (&**upstream, &aggregated.upgrades);
                Some(self.elsewhere(to, cx, admitted, request).await)
            }
        }
    }
}

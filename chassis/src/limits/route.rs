//! The limits of a [`Way`](crate::http::Way): its own, and those that hold for every request from outside, decided together.
//!
//! A way that lets somebody in by something else than an access token knows only after that who it is. Such a one counts its own
//! limits by user then, in a second round trip: whoever tries keys is counted by address before any is looked up.

use super::asked::{Asked, by_token};
use super::headers::tell;
use super::{AllTold, Holds, Limits, Policy, Quota, subject};
use crate::error::{ApiError, ApiResult};
use crate::http::RequestContext;
use crate::state::{Limit, StateError};
use axum::body::Body;
use http::{HeaderMap, Request};

/// The limits of one route.
#[derive(Debug, Default)]
pub struct RouteLimits {
    policies: Vec<Policy>,
    /// Whether those by user wait until it is settled who asks.
    by_caller: bool,
}

/// What came of counting a request.
#[derive(Debug)]
pub struct Counted<'a> {
    told: AllTold<'a>,
    refused: Option<ApiError>,
}

impl Counted<'_> {
    /// Adds what came of counting it once more.
    pub fn add(&mut self, more: Self) {
        self.told.extend(more.told);
        self.refused = self.refused.take().or(more.refused);
    }

    /// The refusal, when there is one.
    pub fn refused(&mut self) -> Option<ApiError> {
        self.refused.take()
    }

    /// Says on an answer what was decided.
    pub fn tell(&self, headers: &mut HeaderMap) {
        tell(headers, &self.told);
    }
}

/// What is left of one limit for whoever asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    /// The policy.
    pub name: String,
    /// What it says.
    pub quota: Quota,
    /// How many are left; `None` when it does not count this request, such as a limit by user when nobody is logged in.
    pub remaining: Option<u32>,
}

impl Limits {
    /// The limits of a route of this name. A limit that is changed begins anew. `by_caller` says that the route proves itself
    /// who asks ([`RequestContext::set_caller`]), and calls [`Limits::count_caller`] when it has.
    ///
    /// # Errors
    /// When a quota cannot be kept.
    pub fn of_route(&self, name: &str, quotas: &[Quota], by_caller: bool) -> Result<RouteLimits, StateError> {
        let several = quotas.len() > 1;
        let policy = |(number, quota): (usize, &Quota)| {
            let shown = if several { format!("{name}-{}", number + 1) } else { name.to_owned() };
            let window = format!("route/{shown}/{}/{}", quota.limit, quota.window.as_secs());
            let limit = Limit::new(window, quota.limit, quota.window)?;
            Ok(Policy { name: shown, quota: *quota, limit, holds: Holds::OnRoutes })
        };
        let policies = quotas.iter().enumerate().map(policy).collect::<Result<_, _>>();
        policies.map(|policies| RouteLimits { policies, by_caller })
    }

    /// Counts a request to a route: all limits in one round trip, and in none of them when one refuses it.
    pub fn count<'a>(
        &'a self,
        own: &'a RouteLimits,
        cx: &RequestContext,
        request: &Request<Body>,
    ) -> impl Future<Output = Counted<'a>> + Send + use<'a> {
        let general = self.outside(cx, request).map(by_token);
        self.counted(Asked::of(general.chain(own.holding(false, cx)), cx, request))
    }

    /// Counts a request in those limits of its route that [`Limits::count`] left out, now that it is settled who asks.
    pub fn count_caller<'a>(
        &'a self,
        own: &'a RouteLimits,
        cx: &RequestContext,
        request: &Request<Body>,
    ) -> impl Future<Output = Counted<'a>> + Send + use<'a> {
        self.counted(Asked::of(own.holding(true, cx), cx, request))
    }

    async fn counted<'a>(&'a self, asked: Asked<'a>) -> Counted<'a> {
        if asked.is_empty() {
            return Counted { told: AllTold::new(), refused: None };
        }
        let (told, outcome) = self.decide(&asked).await;
        Counted { told, refused: outcome.err() }
    }

    /// What is left of each limit that holds for a request from outside. Nothing is counted.
    ///
    /// # Errors
    /// When nobody can tell.
    pub fn look<'a>(
        &'a self,
        own: &'a RouteLimits,
        cx: &RequestContext,
        request: &Request<Body>,
    ) -> impl Future<Output = ApiResult<Vec<Left>>> + Send + use<'a> {
        let path = request.uri().path();
        let general = self.shared.policies.iter().filter(|policy| policy.holds.outside(path));
        let general = general.map(by_token);
        let named = |(policy, caller): (&'a Policy, Option<&str>)| {
            let mut name = String::new();
            (policy, subject::write(policy.quota.by, caller, cx, request, &mut name).map(|()| name))
        };
        let own = own.policies.iter().map(|policy| (policy, cx.caller()));
        let asked: Vec<_> = general.chain(own).map(named).collect();
        async move {
            let mut all = Vec::new();
            for (policy, subject) in asked {
                let remaining = match subject {
                    None => None,
                    Some(subject) => {
                        let limit = policy.limit.clone().cost(0)?;
                        Some(self.shared.state.limits(&[(&subject, &limit)]).await?.tightest().remaining)
                    }
                };
                all.push(Left { name: policy.name.clone(), quota: policy.quota, remaining });
            }
            Ok(all)
        }
    }
}

impl RouteLimits {
    /// Those that are decided before it is settled who asks, or those after that, each with who that is.
    fn holding<'a, 'c>(
        &'a self,
        settled: bool,
        cx: &'c RequestContext,
    ) -> impl Iterator<Item = (&'a Policy, Option<&'c str>)> {
        let now =
            self.policies.iter().filter(move |policy| (self.by_caller && policy.quota.by.user) == settled);
        now.map(|policy| (policy, cx.caller()))
    }
}

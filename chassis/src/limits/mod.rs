//! How often somebody may ask: named policies, decided over [`State`] before a handler runs.
//!
//! `public` (by address) and `api` (by user) hold for every request from outside, at whichever process it comes in, with
//! those of `limits.more` whose path it is; all of them are decided in one round trip. A route asks for more with a layer:
//!
//! ```ignore
//! let guarded = Router::new().route("/api/v1/auth/login", post(login)).layer(context.limits().policy("auth")?);
//! ```
//!
//! What must hold:
//! - A policy is one count, whatever routes, services and replicas share it, as far as the engine of state is shared.
//! - A request is counted once in each policy that holds for it, or, when one refuses it, in none of those that were
//!   decided together.
//! - A call of another service is not counted again: it belongs to a request that was. A route's own policy is: it is
//!   decided by the client's address, where the route is.
//! - Every answer that was decided says so in its headers (`RateLimit`, `RateLimit-Policy`, `X-RateLimit-*`), refusals
//!   too, which are `RATE_LIMITED` with `Retry-After`.
//! - What happens while Redis is away is a setting, never an accident.
//!
//! What it does not do: it does not tell good clients from bad ones, and the API key of a limit by key is nobody's name, because
//! it is not verified: it divides the count of an address and never replaces it. Who a route of the gateway has let in by a
//! verified one is somebody, and counts in the route's own limits by user ([`Limits::count_caller`]). Preflights of browsers
//! (CORS) are not counted, nor is anything on the operations listener.

mod asked;
mod config;
mod headers;
mod layer;
mod route;
mod rule;
mod subject;

pub use config::{LimitsConfig, WhenAway};
pub use layer::{LimitLayer, Limiting};
pub use route::{Counted, Left, RouteLimits};
pub use rule::{By, NamedRule, Quota, Rule};

use crate::error::{ApiError, ApiResult};
use crate::http::RequestContext;
use crate::state::{DecidedBy, Decisions, Limit, State, StateError};
use asked::Asked;
use axum::body::Body;
use contract::ErrorCode;
use headers::Told;
use http::Request;
use metrics::counter;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The policies hold for the platform, so their windows have one place for all services.
const PLACE: &str = "limits";
/// When to ask again while Redis is away and nothing is let through without it.
const AWAY: Duration = Duration::from_secs(1);

/// What is told of the policies of a request.
type AllTold<'a> = SmallVec<[Told<'a>; 3]>;

/// The policies, as one service applies them. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Limits {
    service: &'static str,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: State,
    policies: Vec<Policy>,
    when_away: WhenAway,
    /// Whether the last decision was made without Redis.
    away: AtomicBool,
}

/// A policy that is not off.
#[derive(Debug)]
struct Policy {
    name: String,
    quota: Quota,
    limit: Limit,
    holds: Holds,
}

/// For which requests a policy holds.
#[derive(Debug)]
enum Holds {
    /// For all from outside.
    Everywhere,
    /// For those from outside whose path is this one or below it.
    At(String),
    /// Where a route asks for it.
    OnRoutes,
}

impl Holds {
    /// Whether it holds for a request from outside to this path.
    fn outside(&self, path: &str) -> bool {
        match self {
            Self::Everywhere => true,
            Self::At(prefix) => is_below(path, prefix),
            Self::OnRoutes => false,
        }
    }
}

impl Limits {
    /// The policies as the settings say.
    ///
    /// # Errors
    /// When a rule cannot be kept; the settings have been validated for that.
    pub(crate) fn new(config: &LimitsConfig, state: &State) -> Result<Self, StateError> {
        let built_in = [
            ("public", &config.public, Holds::Everywhere),
            ("api", &config.api, Holds::Everywhere),
            ("auth", &config.auth, Holds::OnRoutes),
            ("orders", &config.orders, Holds::OnRoutes),
            ("payments", &config.payments, Holds::OnRoutes),
        ];
        let built_in = built_in.map(|(name, rule, holds)| (name, rule.quota(), holds));
        let more = config.more.iter();
        let more = more.map(|more| (&*more.name, Some(more.quota), Holds::At(more.at.clone())));
        let mut policies = Vec::new();
        for (name, quota, holds) in built_in.into_iter().chain(more) {
            if let Some(quota) = quota {
                let limit = Limit::new(name.to_owned(), quota.limit, quota.window)?;
                policies.push(Policy { name: name.to_owned(), quota, limit, holds });
            }
        }
        let shared = Shared {
            state: state.of(PLACE),
            policies,
            when_away: config.when_redis_is_away,
            away: AtomicBool::new(false),
        };
        Ok(Self { service: "chassis", shared: Arc::new(shared) })
    }

    /// The same policies, told apart by service in metrics.
    #[must_use]
    pub(crate) fn of(&self, service: &'static str) -> Self {
        Self { service, shared: Arc::clone(&self.shared) }
    }

    /// What holds for every request from outside.
    pub(crate) fn general(&self) -> LimitLayer {
        LimitLayer::general(self.clone())
    }

    /// A policy for routes: every request to them counts, in one window for all of them unless the policy is by route.
    ///
    /// # Errors
    /// When there is no policy of this name.
    pub fn policy(&self, name: &str) -> anyhow::Result<LimitLayer> {
        let known = config::NAMES.contains(&name);
        let place = self.shared.policies.iter().position(|policy| policy.name == name);
        anyhow::ensure!(known || place.is_some(), "there is no policy `{name}` among the settings of limits");
        Ok(LimitLayer::policy(self.clone(), place))
    }

    /// The policies that hold for a request from outside.
    fn outside<'a, 'r>(
        &'a self,
        cx: &RequestContext,
        request: &'r Request<Body>,
    ) -> impl Iterator<Item = &'a Policy> + use<'a, 'r> {
        let path = request.uri().path();
        let counts = cx.calling_service.is_none();
        self.shared.policies.iter().filter(move |policy| counts && policy.holds.outside(path))
    }

    /// Counts the request. What is told to the client, and the refusal when there is one.
    async fn decide<'a>(&self, asked: &Asked<'a>) -> (AllTold<'a>, ApiResult<()>) {
        let decisions = match self.shared.state.limits(&asked.windows()).await {
            Ok(decisions) => decisions,
            Err(error) => return (AllTold::new(), Err(error.into())),
        };
        if let Some(outcome) = self.without_redis(&decisions) {
            return (AllTold::new(), outcome);
        }
        let told = asked.policies().zip(decisions.each());
        let told = told.map(|(policy, decision)| Told::new(&policy.name, &policy.quota, decision));
        (told.collect(), self.judge(asked, &decisions))
    }

    fn judge(&self, asked: &Asked<'_>, decisions: &Decisions) -> ApiResult<()> {
        let tightest = decisions.tightest();
        if tightest.allowed {
            return Ok(());
        }
        let policy = asked.policies().nth(tightest.which).map_or("", |policy| &policy.name);
        counter!("rate_limited_total", "service" => self.service, "policy" => policy.to_owned()).increment(1);
        let message = "Too many requests; Retry-After says when the next one counts.";
        Err(ApiError::new(ErrorCode::RateLimited, message).retry_after(tightest.retry_after))
    }

    /// What is settled without looking at the decision, because it was made without the Redis that should have made it.
    fn without_redis(&self, decisions: &Decisions) -> Option<ApiResult<()>> {
        let when = self.shared.when_away;
        let away = decisions.by() == DecidedBy::Fallback;
        if self.shared.away.swap(away, Ordering::Relaxed) != away {
            log_turn(away, when);
        }
        if !away {
            return None;
        }
        counter!("rate_limits_away_total", "service" => self.service, "when" => when.as_str()).increment(1);
        match when {
            WhenAway::Local => None,
            WhenAway::Open => Some(Ok(())),
            WhenAway::Closed => {
                let cause = anyhow::anyhow!("Redis is away, and limits.when_redis_is_away is closed");
                Some(Err(ApiError::unavailable(cause, AWAY)))
            }
        }
    }
}

/// Told once a turn. That limits are counted by this process, the state itself tells.
fn log_turn(away: bool, when: WhenAway) {
    match (away, when) {
        (_, WhenAway::Local) => {}
        (true, WhenAway::Open) => tracing::warn!("no rate limit holds until Redis is back"),
        (true, WhenAway::Closed) => tracing::warn!("limited requests are refused until Redis is back"),
        (false, _) => tracing::info!("rate limits hold again"),
    }
}

/// Whether a path is `prefix` or below it.
fn is_below(path: &str, prefix: &str) -> bool {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_below_a_whole_segment_only() {
        for below in ["/api/v1/users", "/api/v1/users/", "/api/v1/users/me"] {
            assert!(is_below(below, "/api/v1/users") && is_below(below, "/api/v1/users/"), "{below}");
        }
        for other in ["/api/v1/usersx", "/api/v1", "/"] {
            assert!(!is_below(other, "/api/v1/users"), "{other}");
        }
        assert!(is_below("/anything", "/"));
    }
}

//! Answers of origins, kept for whoever asks for the same (RFC 9111, as a cache that many share; RFC 5861, 9110, 9211).
//!
//! A route of the file that has a rule ([`CacheSpec`]) sends its requests [`ResponseCache::through`] here.
//!
//! What must hold:
//! - Nobody is given what was answered to another one: what was asked for with credentials is kept only when the origin says
//!   that it is for everybody, or for that one user. What sets a cookie is never kept.
//! - What the origin forbids to keep, to give out unasked or to give out late is not, unless the rule overrides it.
//! - An answer whose origin was asked before a purge is not given out after it, in this process at once, in the others as soon
//!   as Redis hands it on (`purge`).
//! - Of many who ask for the same at the same time one asks the origin; when that one ends early, another does.
//! - Memory is bounded by `gateway.cache_bytes`, bodies, headers and names counted.
//!
//! What it does not do: it keeps no parts of answers (206), reads no request of a method but `GET` and `HEAD`, and is not shared
//! between processes: each has its own copies. Without Redis a purge holds in the process that was asked for it.

mod asked;
pub(crate) mod body;
mod control;
mod fetch;
mod flight;
mod look;
mod marks;
mod policy;
mod purge;
mod purge_cache;
mod shelf;
mod spec;
mod status;
mod stored;
mod tags;
#[cfg(test)]
mod tests;

pub(crate) use asked::Asker;
pub(crate) use purge_cache::routes;
pub(crate) use spec::{CacheRule, CacheSpec};

use asked::Asked;
use axum::body::Body;
use axum::response::IntoResponse;
use chassis::clock::Clock;
use chassis::error::ApiError;
use chassis::http::{InHand, RequestContext};
use chassis::state::State;
use contract::ErrorCode;
use fetch::Fetch;
use flight::{Ended, Flights, Role};
use http::{Request, Response};
use marks::Marks;
use purge::Telling;
use shelf::{Found, Shelf};
use spec::Rule;
use status::Fwd;
use std::sync::Arc;
use std::time::Duration;
use stored::{Standing, Stored};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

/// How often somebody waits for another one's answer before asking for their own.
const ROUNDS: usize = 4;
/// How long an answer may take that nobody waits for, outside of a request.
const BACKGROUND: Duration = Duration::from_secs(30);

/// The answers that a gateway keeps. Cheap to clone; clones share everything.
#[derive(Clone)]
pub(crate) struct ResponseCache(Arc<Inner>);

struct Inner {
    clock: Clock,
    marks: Marks,
    shelf: Shelf,
    flights: Arc<Flights>,
    telling: Telling,
    tasks: TaskTracker,
}

impl ResponseCache {
    /// A cache of so many bytes; with none nothing is kept. `state` is the gateway's.
    pub(crate) fn new(bytes: u64, clock: Clock, state: &State) -> Self {
        Self(Arc::new(Inner {
            clock,
            marks: Marks::new(),
            shelf: Shelf::new(bytes),
            flights: Arc::default(),
            telling: Telling::new(state),
            tasks: TaskTracker::new(),
        }))
    }

    /// Answers a request with what is kept, or has `next` ask the origin and keeps what it says.
    ///
    /// `next` may be called after the request was answered, to have a new answer for the next one; then it runs in the context of
    /// this request. `parameters` are those of the route's path.
    pub(crate) async fn through<F, Fut>(
        &self,
        rule: &CacheRule,
        asker: Asker,
        parameters: &[(&str, &str)],
        mut request: Request<Body>,
        next: F,
    ) -> Response<Body>
    where
        F: FnOnce(Request<Body>) -> Fut + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let rule = &rule.0;
        if !request.method().is_safe() {
            return self.changing(request, next).await;
        }
        let asked =
            if self.0.shelf.is_off() { None } else { Asked::of(rule, asker, &self.0.marks, &mut request) };
        let Some(asked) = asked else {
            rule.counts.bypass.increment(1);
            let mut response = next(request).await;
            tags::take(response.headers_mut());
            Fwd::Bypass.tell(response.headers_mut(), None);
            return response;
        };
        self.answer(rule, asked, parameters, request, next).await
    }

    async fn answer<F, Fut>(
        &self,
        rule: &Arc<Rule>,
        asked: Asked,
        parameters: &[(&str, &str)],
        request: Request<Body>,
        next: F,
    ) -> Response<Body>
    where
        F: FnOnce(Request<Body>) -> Fut + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let (mut collapsed, mut rounds) = (false, 0);
        let (found, lead) = loop {
            let found = self.0.find(&asked, &request);
            if let Some(stored) = &found.stored {
                let now = self.0.clock.now();
                match asked.standing(stored, now) {
                    Standing::Over => {}
                    Standing::Fresh => {
                        rule.counts.hit.increment(1);
                        let mut response = stored.give(&asked.conditions, asked.is_head, now);
                        status::hit(response.headers_mut(), stored, now, collapsed);
                        return response;
                    }
                    Standing::Stale => {
                        rule.counts.stale.increment(1);
                        let mut response = stored.give(&asked.conditions, asked.is_head, now);
                        status::old(response.headers_mut(), stored, now);
                        if !asked.is_head && !stored.is_quiet(now) {
                            self.renew(rule, asked, found, parameters, request, next);
                        }
                        return response;
                    }
                }
            }
            if asked.only_if_cached() {
                let message = "Nothing is kept that this request may be answered with.";
                return ApiError::new(ErrorCode::DeadlineExceeded, message).into_response();
            }
            rounds += 1;
            if asked.is_head || found.passes || rounds > ROUNDS {
                break (found, None);
            }
            match self.0.flights.enter(&found.key) {
                Role::Leads(lead) => {
                    // Somebody may have brought it between the look and this.
                    let again = self.0.find(&asked, &request);
                    if self.0.is_fresh(&asked, &again) {
                        lead.end(Ended::Kept);
                        continue;
                    }
                    break (again, Some(lead));
                }
                Role::Follows(following) => match following.ended().await {
                    Ended::Kept => collapsed = true,
                    Ended::Lost => {}
                    Ended::NotShared => break (found, None),
                },
            }
        };
        let fetch = Fetch::new(rule, asked, &found, rule.tags(parameters));
        fetch.run(&self.0, lead, request, next).await
    }

    /// Has the origin asked after the answer is out, unless it is being asked already or was since the look.
    fn renew<F, Fut>(
        &self,
        rule: &Arc<Rule>,
        asked: Asked,
        found: Found,
        parameters: &[(&str, &str)],
        request: Request<Body>,
        next: F,
    ) where
        F: FnOnce(Request<Body>) -> Fut + Send + 'static,
        Fut: Future<Output = Response<Body>> + Send + 'static,
    {
        let Role::Leads(lead) = self.0.flights.enter(&found.key) else { return };
        let again = self.0.find(&asked, &request);
        if self.0.is_fresh(&asked, &again) {
            lead.end(Ended::Kept);
            return;
        }
        let fetch = Fetch::new(rule, asked, &again, rule.tags(parameters));
        let inner = Arc::clone(&self.0);
        let deadline = RequestContext::current().map(|context| context.deadline);
        let deadline = deadline.unwrap_or_else(|| Instant::now() + BACKGROUND);
        let work = async move {
            // Whatever it was: the next one who asks has it tried again.
            drop(tokio::time::timeout_at(deadline, fetch.run(&inner, Some(lead), request, next)).await);
        };
        drop(self.0.tasks.spawn(InHand::current().go_on(work)));
    }

    /// A request that changes something: what is kept of where it went is not right any more (RFC 9111, section 4.4).
    async fn changing<F, Fut>(&self, request: Request<Body>, next: F) -> Response<Body>
    where
        F: FnOnce(Request<Body>) -> Fut,
        Fut: Future<Output = Response<Body>>,
    {
        let (host, path) = (asked::host(&request), request.uri().path().to_owned());
        let mut response = next(request).await;
        if response.status().is_success() || response.status().is_redirection() {
            self.changed(host, path, response.headers());
        }
        tags::take(response.headers_mut());
        Fwd::Method.tell(response.headers_mut(), None);
        response
    }
}

impl Inner {
    /// What is kept for a request and was not purged.
    fn find(&self, asked: &Asked, request: &Request<Body>) -> Found {
        let mut found = self.shelf.find(&asked.base, request.headers());
        let holds = |stored: &Arc<Stored>| self.marks.hold(&stored.cells, stored.since);
        if found.stored.as_ref().is_some_and(|stored| !holds(stored)) {
            self.shelf.remove(&found.key);
            found.stored = None;
        }
        if found.stored.as_ref().is_some_and(|stored| !asked.may_have(stored)) {
            found.stored = None;
            found.passes = true;
        }
        found
    }

    /// Whether what was found may be given without a question to the origin.
    fn is_fresh(&self, asked: &Asked, found: &Found) -> bool {
        let now = self.clock.now();
        found.stored.as_ref().is_some_and(|stored| asked.standing(stored, now) == Standing::Fresh)
    }
}

impl Rule {
    /// The tags that the route gives an answer.
    fn tags(&self, parameters: &[(&str, &str)]) -> Vec<String> {
        let find = |name: &str| parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        self.tags.iter().map(|tag| tag.fill(find)).collect()
    }
}

impl std::fmt::Debug for ResponseCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResponseCache").finish_non_exhaustive()
    }
}

//! One question to the origin, and what becomes of its answer.

use super::asked::Asked;
use super::body::{self, Read};
use super::flight::{Ended, Lead};
use super::marks::Name;
use super::policy::{self, Refusal};
use super::shelf::Found;
use super::spec::Rule;
use super::status::{Came, Fwd};
use super::stored::Stored;
use super::{Inner, tags};
use axum::body::Body;
use chassis::clock::Ts;
use http::{HeaderMap, Request, Response, StatusCode, response};
use std::sync::Arc;

/// What is asked for, by whom, and what is here already.
pub(super) struct Fetch {
    rule: Arc<Rule>,
    asked: Asked,
    key: Arc<str>,
    /// What is kept and over its time.
    old: Option<Arc<Stored>>,
    /// The tags that the route gives.
    tags: Vec<String>,
}

impl Fetch {
    pub(super) fn new(rule: &Arc<Rule>, asked: Asked, found: &Found, tags: Vec<String>) -> Self {
        Self { rule: Arc::clone(rule), asked, key: Arc::clone(&found.key), old: found.stored.clone(), tags }
    }

    /// Asks. `lead` is whoever waits for the answer too.
    pub(super) async fn run<F, Fut>(
        self,
        inner: &Inner,
        lead: Option<Lead>,
        mut request: Request<Body>,
        next: F,
    ) -> Response<Body>
    where
        F: FnOnce(Request<Body>) -> Fut,
        Fut: Future<Output = Response<Body>>,
    {
        let since = inner.marks.now();
        let headers = request.headers().clone();
        if let Some(old) = self.old.as_ref().filter(|_| !self.asked.is_head) {
            old.ask_whether(request.headers_mut());
        }
        let (mut head, body) = next(request).await.into_parts();
        let now = inner.clock.now();
        let named = tags::take(&mut head.headers);
        if let Some(old) = self.old.clone().filter(|_| !self.asked.is_head) {
            if head.status == StatusCode::NOT_MODIFIED {
                return self.renewed(inner, lead, &headers, &old, head.headers, named, since, now);
            }
            if is_failure(head.status) && old.bridges(now) {
                return self.bridged(lead, &old, head.status, now);
            }
        }
        self.came(inner, lead, &headers, head, body, named, since, now).await
    }

    /// The origin says that what is kept still holds.
    #[expect(clippy::too_many_arguments, reason = "what an answer consists of")]
    fn renewed(
        self,
        inner: &Inner,
        lead: Option<Lead>,
        request: &HeaderMap,
        old: &Stored,
        said: HeaderMap,
        named: Option<Vec<String>>,
        since: u64,
        now: Ts,
    ) -> Response<Body> {
        self.rule.counts.validated.increment(1);
        let merged = old.merged(&said);
        let judged = policy::judge(&self.rule, self.asked.who, old.status(), &merged, now);
        let judged =
            judged.and_then(|terms| Ok((terms, policy::varies(&merged)?, named.ok_or(Refusal::Tags)?)));
        let (stored, came) = match judged {
            Ok((terms, varies, named)) => {
                // A 304 need not name the tags again: those of the answer hold as well.
                let cells = self.cells(inner, &named, &old.cells);
                let stored = Arc::new(old.renewed(said, terms, now, since, cells));
                inner.shelf.keep(&self.asked.base, varies, request, Arc::clone(&stored));
                (Some(stored), Came::Kept(StatusCode::NOT_MODIFIED))
            }
            Err(why) => {
                inner.shelf.remove(&self.key);
                (None, Came::Not(StatusCode::NOT_MODIFIED, why))
            }
        };
        let given = stored.as_deref().unwrap_or(old);
        let mut response = given.give(&self.asked.conditions, false, now);
        Fwd::Stale.tell(response.headers_mut(), Some(came));
        end(lead, stored.is_some_and(|stored| stored.left(now).is_some()));
        response
    }

    /// The origin fails, and what is kept stands in for it.
    fn bridged(self, lead: Option<Lead>, old: &Stored, status: StatusCode, now: Ts) -> Response<Body> {
        self.rule.counts.stale.increment(1);
        old.failed(now);
        let mut response = old.give(&self.asked.conditions, false, now);
        Fwd::Stale.tell(response.headers_mut(), Some(Came::Failed(status)));
        end(lead, true);
        response
    }

    /// The origin has a new answer.
    #[expect(clippy::too_many_arguments, reason = "what an answer consists of")]
    async fn came(
        self,
        inner: &Inner,
        lead: Option<Lead>,
        request: &HeaderMap,
        head: response::Parts,
        body: Body,
        named: Option<Vec<String>>,
        since: u64,
        now: Ts,
    ) -> Response<Body> {
        self.rule.counts.miss.increment(1);
        let fwd = if self.old.is_some() { Fwd::Stale } else { Fwd::Miss };
        let status = head.status;
        let judged = self.judge(&head, named, now);
        let read = match judged {
            Ok(_) => body::read(body, self.rule.max_body).await,
            Err(_) => Read::Other(body),
        };
        let refused = match (judged, read) {
            (Ok((terms, varies, named)), Read::Whole(bytes)) => {
                let cells = self.cells(inner, &named, &[]);
                let stored = Stored::new(status, head.headers, bytes, terms, now, cells, since);
                let stored = Arc::new(stored);
                inner.shelf.keep(&self.asked.base, varies, request, Arc::clone(&stored));
                let mut response = stored.give(&self.asked.conditions, false, now);
                fwd.tell(response.headers_mut(), Some(Came::Kept(status)));
                end(lead, stored.left(now).is_some());
                return response;
            }
            (Ok(_), Read::Larger(body)) => (Refusal::TooLarge, body),
            (Ok(_), Read::Other(body)) => (Refusal::Body, body),
            (Err(why), Read::Larger(body) | Read::Other(body)) => (why, body),
            // Not read when it is not to be kept.
            (Err(why), Read::Whole(bytes)) => (why, Body::from(bytes)),
        };
        let (why, body) = refused;
        if !matches!(why, Refusal::Credentials | Refusal::Private | Refusal::Head) && !is_failure(status) {
            inner.shelf.pass(&self.key);
        }
        end(lead, false);
        let mut response = Response::from_parts(head, body);
        self.asked.conditions.apply(&mut response);
        fwd.tell(response.headers_mut(), Some(Came::Not(status, why)));
        response
    }

    /// Whether it may be kept; with its terms, what it differs by, and its tags.
    fn judge(
        &self,
        head: &response::Parts,
        named: Option<Vec<String>>,
        now: Ts,
    ) -> Result<(policy::Terms, Vec<http::HeaderName>, Vec<String>), Refusal> {
        if self.asked.is_head {
            return Err(Refusal::Head);
        }
        let terms = policy::judge(&self.rule, self.asked.who, head.status, &head.headers, now)?;
        Ok((terms, policy::varies(&head.headers)?, named.ok_or(Refusal::Tags)?))
    }

    /// What an answer can be purged by.
    fn cells(&self, inner: &Inner, named: &[String], known: &[u32]) -> Box<[u32]> {
        let tags = self.tags.iter().chain(named).map(|tag| inner.marks.cell(Name::Tag(tag)));
        let mut cells: Vec<u32> =
            self.asked.cells.into_iter().chain(tags).chain(known.iter().copied()).collect();
        cells.sort_unstable();
        cells.dedup();
        cells.into()
    }
}

/// Tells those who wait.
fn end(lead: Option<Lead>, shared: bool) {
    if let Some(lead) = lead {
        lead.end(if shared { Ended::Kept } else { Ended::NotShared });
    }
}

/// The answers that an old one may stand in for (RFC 5861, section 4).
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

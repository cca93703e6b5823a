//! A request with a key, from the layer to the handler and back.

use super::Idempotency;
use super::key::{Digest, Key, digest, fingerprint};
use super::store::{self, Claim};
use crate::clock::Ts;
use crate::error::{ApiError, ApiResult};
use crate::http::RequestContext;
use axum::response::Response;
use contract::ErrorCode;
use http::StatusCode;
use http::request::Parts;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use uuid::Uuid;

/// How long after the request's deadline its key stays reserved: a commit that began before the deadline may end after it.
const AFTER_DEADLINE: Duration = Duration::from_secs(2);
/// How often a key is asked for that is taken, and then not there any more.
const ATTEMPTS: usize = 3;
/// The shortest wait that is asked of a client while the first request is at work.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

/// A request with a key. Clones are the same request.
#[derive(Debug, Clone)]
pub(super) struct Keyed(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    keys: Idempotency,
    key: Key,
    method: http::Method,
    fingerprint: Digest,
    hold: OnceLock<Arc<Hold>>,
}

/// The key, reserved for this request.
#[derive(Debug)]
pub(super) struct Hold {
    keys: Idempotency,
    claim: Claim,
    /// Whether nothing is left to be freed.
    settled: AtomicBool,
}

/// What came of asking for the key.
pub(super) enum Asked {
    /// It is this request's.
    Reserved(Arc<Hold>),
    /// The answer that was given before.
    Answered(Box<Response>),
}

impl Keyed {
    pub(super) fn new(keys: Idempotency, key: Key, parts: &Parts, body: &[u8]) -> Self {
        let (method, fingerprint) = (parts.method.clone(), fingerprint(parts, body));
        Self(Arc::new(Inner { keys, key, method, fingerprint, hold: OnceLock::new() }))
    }

    /// Reserves the key for this request, or finds what became of the first.
    ///
    /// # Errors
    /// 422 when the key stands for another request, 409 while the first is at work, 401 when the access token does not hold.
    pub(super) async fn ask(&self) -> ApiResult<Asked> {
        let Inner { keys, key, method, fingerprint, hold } = &*self.0;
        let none = || ApiError::internal(anyhow::anyhow!("no edge around this router"));
        let cx = RequestContext::current().ok_or_else(none)?;
        let route = cx.route.get().map_or("", |route| route.as_str());
        let scope = scope(&cx)?;
        let parts = [&scope, method.as_str(), route, key.as_str()].map(str::as_bytes);
        let claim = Claim { id: digest(&parts), fence: Uuid::new_v4() };
        // Known before the statement is sent: whatever becomes of it, the key is freed.
        let held = hold
            .get_or_init(|| Arc::new(Hold { keys: keys.clone(), claim, settled: AtomicBool::new(false) }));
        let claim = held.claim;
        for _ in 0..ATTEMPTS {
            let now = keys.0.clock.now();
            let until = now + cx.remaining() + AFTER_DEADLINE;
            if store::reserve(&keys.0.db, claim, *fingerprint, now, until).await? {
                keys.count("first");
                return Ok(Asked::Reserved(held.clone()));
            }
            // It may be freed, or come to its end, between the two statements.
            let found = store::find(&keys.0.db, claim.id).await?.filter(|found| found.free_at > now);
            let Some(found) = found else { continue };
            held.settle();
            if found.fingerprint != fingerprint {
                keys.count("reused");
                return Err(reused());
            }
            let (reserved_at, free_at) = (found.reserved_at, found.free_at);
            let Some(kept) = found.answer() else {
                keys.count("running");
                return Err(running(reserved_at, now, free_at));
            };
            keys.count("replayed");
            return Ok(Asked::Answered(Box::new(kept.again()?)));
        }
        held.settle();
        keys.count("running");
        Err(in_progress(SHORTEST_WAIT))
    }

    /// Frees the key when the request has ended without effect.
    pub(super) async fn end(&self, status: StatusCode) {
        let Inner { keys, hold, .. } = &*self.0;
        let Some(hold) = hold.get() else {
            if status.is_success() {
                keys.count("ignored");
            }
            return;
        };
        if hold.settled.load(Ordering::Acquire) {
            return;
        }
        if status.is_success() {
            tracing::error!(
                "a handler that takes the key did not commit with it: the request is not protected"
            );
        }
        keys.free(hold.claim).await;
        hold.settle();
    }

    /// Has the key freed when the request has ended without a word.
    pub(super) fn abandon(&self) {
        if let Some(hold) = self.0.hold.get()
            && !hold.settled.load(Ordering::Acquire)
        {
            self.0.keys.dropped(hold.claim);
        }
    }
}

impl Hold {
    /// The claim to the key.
    pub(super) fn claim(&self) -> Claim {
        self.claim
    }

    /// Until when an answer of now is kept.
    pub(super) fn keep_until(&self) -> Ts {
        self.keys.0.clock.now() + self.keys.0.keep
    }

    /// Notes that nothing is left to be freed.
    pub(super) fn settle(&self) {
        self.settled.store(true, Ordering::Release);
    }

    /// The key went to another request, because this one took longer than its lease.
    pub(super) fn overtaken(&self) -> ApiError {
        self.keys.count("overtaken");
        in_progress(SHORTEST_WAIT)
    }
}

/// Whose key it is: a person's, a service's that asks for itself, or of whoever says nothing about themselves.
fn scope(cx: &RequestContext) -> ApiResult<String> {
    match (cx.identity(), &cx.calling_service) {
        (Some(Ok(who)), _) => Ok(format!("user:{}", who.user())),
        (Some(Err(error)), _) => Err((*error).into()),
        (None, Some(service)) => Ok(format!("service:{service}")),
        (None, None) => Ok("anonymous".to_owned()),
    }
}

fn reused() -> ApiError {
    let message = "This Idempotency-Key was sent with another request. Use a new key for each request.";
    ApiError::new(ErrorCode::IdempotencyKeyReused, message)
}

/// Asks to wait as long again as the first has been at work, but not past its lease.
fn running(reserved_at: Ts, now: Ts, free_at: Ts) -> ApiError {
    in_progress(now.since(reserved_at).min(free_at.since(now)).max(SHORTEST_WAIT))
}

fn in_progress(wait: Duration) -> ApiError {
    let message = "The first request with this Idempotency-Key is still at work. Send it again in a moment.";
    ApiError::new(ErrorCode::RequestInProgress, message).retry_after(wait)
}

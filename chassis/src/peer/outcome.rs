//! What the end of an attempt means: for the call, and for the instance.
//!
//! The two are different questions. That a call cannot be tried again says nothing about the instance; and an instance that
//! is well may answer 503, because it has too much to do or because something behind it is away.

use super::UpstreamError;
use super::instance::Ending;
use super::replay::Replay;
use crate::http::{X_BUSY, X_RETRIES_SPENT};
use ::http::header::{HeaderMap, RETRY_AFTER};
use ::http::{Response, StatusCode};
use std::time::Duration;

/// Whether to try again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is what it is.
    Final,
    /// Another attempt does no harm and may help.
    Again {
        /// How long the same instance is to be left alone.
        not_before: Duration,
    },
}

/// What an attempt came to, for the call.
pub(super) fn judge<B>(last: &Result<Response<B>, UpstreamError>, replay: &Replay) -> Verdict {
    let again = match last {
        Err(UpstreamError::Unreachable(_)) => true,
        Err(UpstreamError::Broken(_)) => replay.is_harmless(),
        Err(_) => false,
        Ok(response) => replay.is_harmless() && may_be_tried_again(response.status(), response.headers()),
    };
    match again && replay.is_whole() {
        true => Verdict::Again {
            not_before: last.as_ref().map_or(Duration::ZERO, |it| retry_after(it.headers())),
        },
        false => Verdict::Final,
    }
}

/// Whether an answer says that it is not one, and that nobody has tried again yet.
fn may_be_tried_again(status: StatusCode, headers: &HeaderMap) -> bool {
    is_unable(status) && !headers.contains_key(&X_RETRIES_SPENT)
}

/// Whether an answer says that the peer, or what stands before it, cannot answer now.
pub(super) fn is_unable(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE)
}

/// In seconds; a date says nothing that a call could wait for.
fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    Duration::from_secs(seconds.unwrap_or(0))
}

/// What an answer says about the instance that gave it. `slow` is whether it had enough time.
pub(super) fn ending(status: StatusCode, headers: &HeaderMap, slow: bool) -> Ending {
    match status {
        _ if headers.contains_key(&X_BUSY) => Ending::Busy,
        // It is well and says that something behind it is not.
        _ if headers.contains_key(&X_RETRIES_SPENT) => Ending::Well,
        status if is_unable(status) => Ending::Failed,
        StatusCode::GATEWAY_TIMEOUT => late(slow),
        _ => Ending::Well,
    }
}

/// What an error says about the instance that was called.
pub(super) fn fault(error: &UpstreamError, slow: bool) -> Ending {
    match error {
        UpstreamError::Unreachable(_) | UpstreamError::Broken(_) => Ending::Failed,
        UpstreamError::Deadline => late(slow),
        UpstreamError::Body(_) | UpstreamError::Open(_) | UpstreamError::Full(_) => Ending::Unknown,
    }
}

/// A client may leave a call a millisecond. That it was not answered in it is nobody's fault but the client's, who must not
/// be able to close a peer to everybody else.
const fn late(slow: bool) -> Ending {
    if slow { Ending::Failed } else { Ending::Unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::http::{Method, Request};
    use axum::body::Body;

    fn ask(method: Method) -> Replay {
        Replay::new(Request::builder().method(method).uri("/").body(Body::empty()).unwrap())
    }

    fn answer(status: u16, headers: &[(&str, &str)]) -> Result<Response<()>, UpstreamError> {
        let response = Response::builder().status(status);
        let response =
            headers.iter().fold(response, |response, (name, value)| response.header(*name, *value));
        Ok(response.body(()).unwrap())
    }

    fn again(last: Result<Response<()>, UpstreamError>, method: Method) -> bool {
        judge(&last, &ask(method)) != Verdict::Final
    }

    #[test]
    fn what_nobody_saw_may_be_sent_elsewhere_whatever_it_is() {
        let unreachable = || Err(UpstreamError::Unreachable("refused".to_owned()));
        assert!(again(unreachable(), Method::GET) && again(unreachable(), Method::POST));
    }

    #[test]
    fn what_may_have_taken_effect_is_sent_again_only_when_that_does_no_harm() {
        let broken = || Err(UpstreamError::Broken("reset".to_owned()));
        assert!(again(broken(), Method::PUT) && !again(broken(), Method::POST));
        for status in [502, 503] {
            assert!(again(answer(status, &[]), Method::GET) && !again(answer(status, &[]), Method::POST));
        }
    }

    #[test]
    fn an_answer_is_an_answer() {
        for status in [200, 302, 400, 404, 409, 429, 500, 501, 504] {
            assert!(!again(answer(status, &[]), Method::GET), "{status}");
        }
        assert!(!again(Err(UpstreamError::Deadline), Method::GET));
    }

    #[test]
    fn only_the_nearest_layer_tries_again() {
        assert!(!again(answer(503, &[("x-retries-spent", "1")]), Method::GET));
    }

    #[test]
    fn how_long_an_instance_wants_to_be_left_alone_is_heard() {
        let judged = judge(&answer(503, &[("retry-after", "7")]), &ask(Method::GET));
        assert_eq!(judged, Verdict::Again { not_before: Duration::from_secs(7) });
    }

    #[test]
    fn an_instance_answers_for_what_it_did_itself() {
        let ending = |status, headers, slow| {
            let answer = answer(status, headers).unwrap();
            super::ending(answer.status(), answer.headers(), slow)
        };
        assert_eq!(ending(503, &[], false), Ending::Failed);
        assert_eq!(ending(503, &[("x-retries-spent", "1")], false), Ending::Well);
        assert_eq!(ending(503, &[("x-busy", "1")], false), Ending::Busy);
        for status in [200, 404, 429, 500] {
            assert_eq!(ending(status, &[], true), Ending::Well, "{status}");
        }
        assert_eq!((ending(504, &[], false), ending(504, &[], true)), (Ending::Unknown, Ending::Failed));
        let deadline = |slow| fault(&UpstreamError::Deadline, slow);
        assert_eq!((deadline(false), deadline(true)), (Ending::Unknown, Ending::Failed));
    }
}

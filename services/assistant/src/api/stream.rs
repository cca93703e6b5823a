//! An answer on the wire: whole, or as a stream of events (HTML standard, section 9.2).

use crate::app::Told;
use crate::domain::conversation::Message;
use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use chassis::http::RequestContext;
use contract::assistant::{Answered, StreamDelta, StreamError};
use futures_util::stream::{self, Stream, StreamExt};
use http::HeaderName;
use http::header::ACCEPT;
use http::request::Parts;
use serde::Serialize;
use std::convert::Infallible;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Proxies that would gather an answer before they pass it on are asked not to.
const NO_GATHERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");
/// A stream in which nothing is said shows at least this often that it is there.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// What a whole answer leaves of the request's own deadline, to be written down and sent.
const TO_ANSWER: Duration = Duration::from_millis(750);

/// How who asks wants to be answered.
pub(super) struct Wants {
    /// Piece by piece.
    pub(super) stream: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Wants {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let lines = parts.headers.get_all(ACCEPT).into_iter().filter_map(|line| line.to_str().ok());
        let stream = lines.flat_map(|line| line.split(',')).any(is_event_stream);
        Ok(Self { stream })
    }
}

/// Whether a media range (RFC 9110, section 12.5.1) asks for a stream of events by its name.
fn is_event_stream(range: &str) -> bool {
    let mut parts = range.split(';').map(str::trim);
    let named = parts.next().is_some_and(|name| name.eq_ignore_ascii_case("text/event-stream"));
    let refused = |part: &str| part.strip_prefix("q=").is_some_and(|q| q.trim().parse() == Ok(0.0_f32));
    named && !parts.any(refused)
}

impl Wants {
    /// When the answer must be whole: a stream may outlive the deadline of its request, which ends when it has begun.
    pub(super) fn deadline(&self, within: Duration, cx: &RequestContext) -> Instant {
        let own = Instant::now() + within;
        if self.stream { own } else { own.min(cx.deadline.checked_sub(TO_ANSWER).unwrap_or(cx.deadline)) }
    }
}

/// Question and answer as they are sent.
pub(super) fn answered((question, answer): &(Message, Message)) -> Answered {
    Answered { question: question.whole(), answer: answer.whole() }
}

/// Waits for the whole answer.
///
/// # Errors
/// Why there is none.
pub(super) async fn whole(mut told: mpsc::Receiver<Told>) -> ApiResult<Answered> {
    while let Some(told) = told.recv().await {
        match told {
            Told::Done(pair) => return Ok(answered(&pair)),
            Told::Failed(error) => return Err(error.into()),
            Told::Begun | Told::Delta(_) | Told::Citation(_) | Told::Tool(_) => {}
        }
    }
    Err(broken())
}

/// Begins a stream as soon as the answer does.
///
/// # Errors
/// What goes wrong before.
pub(super) async fn begin(mut told: mpsc::Receiver<Told>, cx: &RequestContext) -> ApiResult<Response> {
    let first = match told.recv().await {
        None => return Err(broken()),
        Some(Told::Failed(error)) => return Err(error.into()),
        Some(Told::Begun) => None,
        Some(first) => Some(first),
    };
    let request_id = cx.request_id.to_string();
    let rest = stream::unfold((told, false), |(mut told, ended)| async move {
        if ended {
            return None;
        }
        // Whoever makes it always says how it ended, unless it died.
        let next = told.recv().await;
        let ended = matches!(next, None | Some(Told::Done(_) | Told::Failed(_)));
        Some((next, (told, ended)))
    });
    let all = stream::iter(first.map(Some)).chain(rest);
    Ok(sse(all.map(move |told| Ok(event_of(told, &request_id)))))
}

/// An answer that was given before, as a stream.
pub(super) fn again(pair: &(Message, Message)) -> Response {
    let answer = &pair.1;
    let delta = event("delta", &StreamDelta { text: answer.text.clone() });
    let citations = answer.citations.iter().map(|citation| event("citation", citation));
    let done = event("done", &answered(pair));
    let all: Vec<_> = std::iter::once(delta).chain(citations).chain([done]).map(Ok).collect();
    sse(stream::iter(all))
}

fn sse(events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static) -> Response {
    let alive = KeepAlive::new().interval(LONGEST_SILENCE);
    ([NO_GATHERING], Sse::new(events).keep_alive(alive)).into_response()
}

fn event_of(told: Option<Told>, request_id: &str) -> Event {
    match told {
        Some(Told::Delta(text)) => event("delta", &StreamDelta { text }),
        Some(Told::Citation(citation)) => event("citation", &citation),
        Some(Told::Tool(tool)) => event("tool", &tool),
        Some(Told::Done(pair)) => event("done", &answered(&pair)),
        Some(Told::Failed(error)) => failed(&error.into(), request_id),
        Some(Told::Begun) => Event::default().comment("begun"),
        None => failed(&broken(), request_id),
    }
}

fn failed(error: &ApiError, request_id: &str) -> Event {
    let (code, message) = (error.code(), error.message().to_owned());
    event("error", &StreamError { code, message, request_id: request_id.to_owned() })
}

fn event(name: &str, data: &impl Serialize) -> Event {
    let named = Event::default().event(name);
    // There is nothing in it that cannot be written as JSON.
    named.json_data(data).unwrap_or_else(|_| Event::default().event("error").data("{}"))
}

fn broken() -> ApiError {
    ApiError::internal(anyhow::anyhow!("whoever made the answer is gone"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_what_asks_for_one_by_name() {
        for yes in ["text/event-stream", " Text/Event-Stream ; q=0.9"] {
            assert!(is_event_stream(yes), "{yes}");
        }
        for no in ["*/*", "text/*", "application/json", "text/event-stream;q=0", "text/event-stream-x"] {
            assert!(!is_event_stream(no), "{no}");
        }
    }
}

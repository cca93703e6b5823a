//! `GET /api/v1/stream`: server-sent events (HTML standard, section 9.2).

use super::Channel;
use super::heed::{FORBIDDEN, may};
use super::hub::Way;
use super::out::{Out, pause_ms};
use super::position::Read;
use super::session::Session;
use super::ws::token;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use chassis::http::Query;
use chassis::identity::Principal;
use contract::live::{ServerFrame, Subscription};
use contract::{ErrorBody, ErrorCode};
use futures_util::stream::{self, StreamExt};
use garde::Validate;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName};
use metrics::counter;
use serde::Deserialize;
use std::convert::Infallible;
use std::fmt::Display;
use utoipa::IntoParams;

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that would gather an answer before they pass it on are asked not to.
const HEADERS: [(HeaderName, &str); 2] =
    [(CONTENT_TYPE, "text/event-stream"), (HeaderName::from_static("x-accel-buffering"), "no")];

/// What is to be told.
#[derive(Debug, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Topics with commas between: `orders,orders/{id},events,todos,notifications`.
    #[garde(length(min = 1, max = 4_000))]
    topics: String,
    /// The position of the last message that is there already; `Last-Event-ID` says the same and counts more.
    #[garde(inner(length(max = 64)))]
    after: Option<String>,
}

/// What happens, as a stream of events: one for each thing, its data a frame in JSON, its id the position.
///
/// It begins with `ready` and ends with the access token, at a logout, and when the server stops; who sends the last id as
/// `Last-Event-ID` then goes on with nothing left out. The frames are those of `/api/v1/ws`, described in docs/live.md.
#[utoipa::path(
    get,
    path = "/api/v1/stream",
    tag = "live",
    security(("bearer" = [])),
    params(Asked, ("Last-Event-ID" = Option<String>, Header, description = "The id of the last event that was seen")),
    responses(
        (status = 200, description = "A stream of events", body = String, content_type = "text/event-stream"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "A topic needs a permission", body = ErrorBody),
        (status = 429, description = "Too many connections of yours, or too many requests", body = ErrorBody),
        (status = 503, description = "As many are connected as may be; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn stream(
    State(channel): State<Channel>,
    who: Principal,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let topics = topics(&channel, &who, &asked.topics)?;
    let after = after(&channel, asked.after, &headers)?;
    let mut session = Session::begin(&channel, who, token(&headers), Way::Stream)?;
    session.subscribe(topics, after.as_deref());
    let begin = Bytes::from(format!("retry: {}\n\n", pause_ms(session.number())));
    let happening = stream::unfold(session, |mut session| async {
        let event = write(session.next().await?, &session);
        Some((event, session))
    });
    let body = stream::iter([begin]).chain(happening).map(Ok::<_, Infallible>);
    Ok((HEADERS, Body::from_stream(body)).into_response())
}

fn topics(channel: &Channel, who: &Principal, asked: &str) -> ApiResult<Vec<Subscription>> {
    let wrong = |message: String| ApiError::invalid_field("topics", message);
    let read = asked.split(',').map(|topic| topic.trim().parse::<Subscription>());
    let topics = read.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(error.to_string()))?;
    if topics.len() > channel.most_topics {
        return Err(wrong(format!("must be {} at most", channel.most_topics)));
    }
    if !topics.iter().all(|topic| may(topic, who)) {
        return Err(ApiError::new(ErrorCode::Forbidden, FORBIDDEN));
    }
    Ok(topics)
}

fn after(channel: &Channel, asked: Option<String>, headers: &HeaderMap) -> ApiResult<Option<String>> {
    let seen = headers.get(LAST_EVENT_ID).map(|id| id.to_str().unwrap_or("?").trim().to_owned());
    let (name, after) = match seen.filter(|seen| !seen.is_empty()) {
        Some(seen) => ("Last-Event-ID", Some(seen)),
        None => ("after", asked),
    };
    let is_nonsense = |after: &String| channel.epoch.read(after) == Read::Nonsense;
    if after.as_ref().is_some_and(is_nonsense) {
        return Err(ApiError::invalid_field(name, "must be a position of this channel"));
    }
    Ok(after)
}

fn write(out: Out, session: &Session) -> Bytes {
    match out {
        Out::Message(message) | Out::Missed(message) => {
            counter!("live_sent_total", "way" => Way::Stream.as_str()).increment(1);
            message.event(&session.channel.epoch)
        }
        Out::Frame(frame) => framed(&frame),
        Out::End(end) => framed(&end.frame(session.number())),
    }
}

/// A frame as an event, named like its type. Where everything up to a position is with the client, that is its id.
fn framed(frame: &ServerFrame) -> Bytes {
    let (name, position) = match frame {
        ServerFrame::Ready { .. } => ("ready", None),
        ServerFrame::Authenticated { .. } => ("authenticated", None),
        ServerFrame::Subscribed { position, .. } => ("subscribed", Some(position)),
        ServerFrame::Unsubscribed { .. } => ("unsubscribed", None),
        ServerFrame::Message { position, .. } => ("message", Some(position)),
        ServerFrame::Reset { position, .. } => ("reset", Some(position)),
        ServerFrame::Heartbeat { position } => ("heartbeat", Some(position)),
        ServerFrame::Pong { .. } => ("pong", None),
        ServerFrame::Logout { .. } => ("logout", None),
        ServerFrame::Slow => ("slow", None),
        ServerFrame::Bye { .. } => ("bye", None),
        ServerFrame::Error { .. } => ("error", None),
    };
    event(name, position, &serde_json::to_string(frame).unwrap_or_default())
}

/// An event. JSON has no line breaks in it.
pub(super) fn event(name: &str, id: Option<impl Display>, data: &str) -> Bytes {
    match id {
        Some(id) => format!("event: {name}\nid: {id}\ndata: {data}\n\n").into(),
        None => format!("event: {name}\ndata: {data}\n\n").into(),
    }
}

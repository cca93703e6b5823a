//! Orders that are followed, as a stream of events (HTML standard, section 9.2).

use crate::app::Following;
use axum::extract::FromRequestParts;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use chassis::error::{ApiError, ApiResult};
use futures_util::stream::{self, StreamExt};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use std::convert::Infallible;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// Proxies that would gather an answer before they pass it on are asked not to.
const NO_GATHERING: (HeaderName, &str) = (HeaderName::from_static("x-accel-buffering"), "no");

/// How a request goes on from an earlier stream: the last id that it has seen, and the token that it came with.
pub(super) struct Resume {
    /// The last id that was seen.
    pub(super) seen: Option<i64>,
    /// The token, to be looked at again while the stream goes on.
    pub(super) token: HeaderValue,
}

impl<S: Send + Sync> FromRequestParts<S> for Resume {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> ApiResult<Self> {
        let header = parts.headers.get(LAST_EVENT_ID);
        let id = |value: &HeaderValue| value.to_str().ok()?.trim().parse().ok().filter(|id: &i64| *id >= 0);
        let seen = header.map(|value| {
            let wrong =
                || ApiError::invalid_field("Last-Event-ID", "must be the id of an event of this stream");
            id(value).ok_or_else(wrong)
        });
        let token = parts.headers.get(AUTHORIZATION).cloned();
        Ok(Self { seen: seen.transpose()?, token: token.unwrap_or_else(|| HeaderValue::from_static("")) })
    }
}

impl IntoParams for Resume {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let about =
            "The id of the last event that was seen: the stream goes on behind it, with nothing left out.";
        let header = ParameterBuilder::new()
            .name("Last-Event-ID")
            .parameter_in(ParameterIn::Header)
            .required(Required::False)
            .description(Some(about))
            .schema(Some(ObjectBuilder::new().schema_type(Type::Integer)));
        vec![header.build()]
    }
}

/// The stream: `begin`, if there is one, then an event for each thing that happens.
pub(super) fn events(begin: Option<Event>, following: Following) -> Response {
    let alive = KeepAlive::new().interval(following.keep_alive());
    let happening = stream::unfold(following, |mut following| async {
        let (id, told) = following.next().await?;
        let event = Event::default().event("order").id(id.to_string()).json_data(&told.update);
        // What cannot be written as JSON ends the stream; there is no such update.
        Some((Ok(event.ok()?), following))
    });
    let all = stream::iter(begin.map(Ok::<_, Infallible>)).chain(happening);
    ([NO_GATHERING], Sse::new(all).keep_alive(alive)).into_response()
}

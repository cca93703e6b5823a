//! `POST /api/v1/events/{id}/reject`.

use super::known::Decider;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, reply};
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::events::{Event, RejectEvent};
use contract::ids::EventId;
use contract::page::Success;

/// Sends a submitted event back to its creator, with a reason. They may change it and submit it again.
#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/reject",
    tag = "events",
    security(("bearer" = [])),
    request_body = RejectEvent,
    params(Once, ("id" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "The event as it is now", body = Success<Event>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs a role that decides in the organisation, and what somebody else wrote", body = ErrorBody),
        (status = 404, description = "No such event, or none that you may see", body = ErrorBody),
        (status = 409, description = "It does not wait for a decision, or somebody else has just decided (INVALID_TRANSITION); or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn reject_event(
    State(app): State<App>,
    Decider { who, id }: Decider,
    once: Once,
    seen: IfMatch,
    Json(asked): Json<RejectEvent>,
) -> ApiResult<Response> {
    let (tx, event) = app.reject(&who, id, &asked.reason, &seen).await?;
    once.commit(tx, reply(event.told()).version(event.version)).await
}

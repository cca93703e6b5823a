//! `POST /api/v1/events/{id}/approve`.

use super::known::Decider;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::reply;
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::events::Event;
use contract::ids::EventId;
use contract::page::Success;

/// Lets a submitted event be shown to every member of its organisation. With `If-Match` it is what the moderator has read.
#[utoipa::path(
    post,
    path = "/api/v1/events/{id}/approve",
    tag = "events",
    security(("bearer" = [])),
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
pub(super) async fn approve_event(
    State(app): State<App>,
    Decider { who, id }: Decider,
    once: Once,
    seen: IfMatch,
) -> ApiResult<Response> {
    let (tx, event) = app.approve(&who, id, &seen).await?;
    once.commit(tx, reply(event.told()).version(event.version)).await
}

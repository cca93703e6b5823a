//! `PATCH /api/v1/events/{id}`.

use super::known::Known;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, reply};
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::events::{Event, UpdateEvent};
use contract::ids::EventId;
use contract::page::Success;

/// Changes what an event says. What was approved goes back to review, what was rejected is a draft again.
#[utoipa::path(
    patch,
    path = "/api/v1/events/{id}",
    tag = "events",
    security(("bearer" = [])),
    request_body = UpdateEvent,
    params(Once, ("id" = EventId, Path, description = "The event")),
    responses(
        (status = 200, description = "The event as it is now", body = Success<Event>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Only who made an event changes it, or who decides in its organisation", body = ErrorBody),
        (status = 404, description = "No such event, or none that you may see", body = ErrorBody),
        (status = 409, description = "It waits for a decision (INVALID_TRANSITION); or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_event(
    State(app): State<App>,
    Known { who, id }: Known,
    once: Once,
    seen: IfMatch,
    Json(asked): Json<UpdateEvent>,
) -> ApiResult<Response> {
    let (tx, event) = app.change(&who, id, asked, &seen).await?;
    once.commit(tx, reply(event.told()).version(event.version)).await
}

//! `DELETE /api/v1/events/{id}`.

use super::known::Known;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::no_content;
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::ids::EventId;

/// Removes an event: its creator, as long as it is not approved, or an admin or owner of the organisation.
#[utoipa::path(
    delete,
    path = "/api/v1/events/{id}",
    tag = "events",
    security(("bearer" = [])),
    params(Once, ("id" = EventId, Path, description = "The event")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Only who made an event removes it, or an admin or owner of its organisation", body = ErrorBody),
        (status = 404, description = "No such event, or none that you may see", body = ErrorBody),
        (status = 409, description = "It was approved, and is removed by an admin or owner only (INVALID_TRANSITION); or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_event(
    State(app): State<App>,
    Known { who, id }: Known,
    once: Once,
    seen: IfMatch,
) -> ApiResult<Response> {
    let tx = app.remove(&who, id, &seen).await?;
    once.commit(tx, no_content()).await
}

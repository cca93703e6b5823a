//! `DELETE /api/v1/events/calendar-links/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::CalendarLinkId;

/// Ends a calendar feed of the caller: its secret opens nothing any more.
#[utoipa::path(
    delete,
    path = "/api/v1/events/calendar-links/{id}",
    tag = "events",
    security(("bearer" = [])),
    params(Once, ("id" = CalendarLinkId, Path, description = "The feed")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such feed of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_calendar_link(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<CalendarLinkId>,
) -> ApiResult<Response> {
    let tx = app.delete_link(&who, id).await?;
    once.commit(tx, no_content()).await
}

//! `POST /api/v1/events`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::events::{CreateEvent, Event};
use contract::page::Success;

/// Makes an event of an organisation that the caller belongs to. It begins as a draft.
#[utoipa::path(
    post,
    path = "/api/v1/events",
    tag = "events",
    security(("bearer" = [])),
    request_body = CreateEvent,
    params(Once),
    responses(
        (status = 201, description = "The event", body = Success<Event>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_event(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<CreateEvent>,
) -> ApiResult<Response> {
    let (tx, made) = app.create(&who, asked).await?;
    let location = format!("/api/v1/events/{}", made.id);
    once.commit(tx, created(location, made.told()).version(made.version)).await
}

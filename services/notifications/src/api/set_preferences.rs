//! `PUT /api/v1/notifications/preferences`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::notifications::{Preference, SetPreferences};
use contract::page::Success;

/// Turns kinds of messages on or off for who asks. What belongs to a purchase cannot be turned off.
#[utoipa::path(
    put,
    path = "/api/v1/notifications/preferences",
    tag = "notifications",
    security(("bearer" = [])),
    request_body = SetPreferences,
    params(Once),
    responses(
        (status = 200, description = "Every kind, as it is now", body = Success<Vec<Preference>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn set_preferences(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<SetPreferences>,
) -> ApiResult<Response> {
    let (tx, preferences) = app.set_preferences(&who, asked).await?;
    once.commit(tx, reply(preferences)).await
}

//! `DELETE /api/v1/profiles/me/avatar`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;

/// Removes the picture of who asks.
#[utoipa::path(
    delete,
    path = "/api/v1/profiles/me/avatar",
    tag = "profiles",
    security(("bearer" = [])),
    params(Once),
    responses(
        (status = 204, description = "There is none"),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version of the profile", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_avatar(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    seen: IfMatch,
) -> ApiResult<Response> {
    let tx = app.delete_avatar(&who, &seen, &Client::of(&cx)).await?;
    once.commit(tx, no_content()).await
}

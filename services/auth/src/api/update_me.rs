//! `PATCH /api/v1/users/me`.

use crate::app::{App, Client, profile_version};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, Json, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{UpdateMe, User};
use contract::page::Success;

/// Changes the profile of who asks.
#[utoipa::path(
    patch,
    path = "/api/v1/users/me",
    tag = "users",
    security(("bearer" = [])),
    request_body = UpdateMe,
    params(Once),
    responses(
        (status = 200, description = "The account as it is now", body = Success<User>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_me(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    seen: IfMatch,
    Json(change): Json<UpdateMe>,
) -> ApiResult<Response> {
    let (tx, account) = app.update_me(&who, change, &seen, &Client::of(&cx)).await?;
    let version = profile_version(&account);
    once.commit(tx, reply(account).version(version)).await
}

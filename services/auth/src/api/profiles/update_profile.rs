//! `PATCH /api/v1/profiles/me`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, Json, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::{Profile, UpdateProfile};
use contract::page::Success;

/// Changes the profile of who asks, and who may see it.
#[utoipa::path(
    patch,
    path = "/api/v1/profiles/me",
    tag = "profiles",
    security(("bearer" = [])),
    request_body = UpdateProfile,
    params(Once),
    responses(
        (status = 200, description = "The profile as it is now", body = Success<Profile>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_profile(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    seen: IfMatch,
    Json(change): Json<UpdateProfile>,
) -> ApiResult<Response> {
    let (tx, profile) = app.update_profile(&who, change, &seen, &Client::of(&cx)).await?;
    let tag = profile.tag();
    once.commit(tx, reply(profile.own()).version(tag)).await
}

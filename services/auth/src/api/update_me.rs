//! `PATCH /api/v1/users/me`.

use crate::app::{App, Client, profile_version};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Cx, Json, Reply, reply};
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
    responses(
        (status = 200, description = "The account as it is now", body = Success<User>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_me(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    seen: IfMatch,
    Json(change): Json<UpdateMe>,
) -> ApiResult<Reply<User>> {
    let account = app.update_me(&who, change, &seen, &Client::of(&cx)).await?;
    let version = profile_version(&account);
    Ok(reply(account).version(version))
}

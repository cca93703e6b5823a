//! `POST /api/v1/auth/password/change`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, no_content};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::ChangePassword;
use http::StatusCode;

/// Sets a new password. The other sessions end; this one goes on.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/change",
    tag = "auth",
    security(("bearer" = [])),
    request_body = ChangePassword,
    responses(
        (status = 204, description = "The password is the new one"),
        (status = 400, description = "The request is not valid, or the password is too easy to guess", body = ErrorBody),
        (status = 401, description = "No access token that holds, or the old password is another one", body = ErrorBody),
        (status = 429, description = "Too many failed attempts; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn change_password(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    Json(request): Json<ChangePassword>,
) -> ApiResult<StatusCode> {
    app.change_password(&who, request, &Client::of(&cx)).await?;
    Ok(no_content())
}

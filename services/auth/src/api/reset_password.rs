//! `POST /api/v1/auth/password/reset`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, no_content};
use contract::ErrorBody;
use contract::auth::ResetPassword;
use http::StatusCode;

/// Sets a new password with the token of a mailed link. Every session ends.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/reset",
    tag = "auth",
    request_body = ResetPassword,
    responses(
        (status = 204, description = "The password is the new one"),
        (status = 400, description = "The request is not valid, the link does not hold, or the password is too easy to guess", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn reset_password(
    State(app): State<App>,
    cx: Cx,
    Json(request): Json<ResetPassword>,
) -> ApiResult<StatusCode> {
    app.reset_password(request, &Client::of(&cx)).await?;
    Ok(no_content())
}

//! `POST /api/v1/auth/login`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Reply, reply};
use contract::ErrorBody;
use contract::auth::{Grant, Login};
use contract::page::Success;

/// Logs in.
#[utoipa::path(
    post,
    path = "/api/v1/auth/login",
    tag = "auth",
    request_body = Login,
    responses(
        (status = 200, description = "The account and a pair of tokens", body = Success<Grant>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "Address and password do not match an account", body = ErrorBody),
        (status = 403, description = "The account was disabled", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address, or failed ones for this account; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn login(
    State(app): State<App>,
    cx: Cx,
    Json(request): Json<Login>,
) -> ApiResult<Reply<Grant>> {
    Ok(reply(app.login(request, &Client::of(&cx)).await?))
}

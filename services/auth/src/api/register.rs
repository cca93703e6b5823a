//! `POST /api/v1/auth/register`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Reply, created};
use contract::ErrorBody;
use contract::auth::{Grant, Register};
use contract::page::Success;

/// Makes an account and logs in.
#[utoipa::path(
    post,
    path = "/api/v1/auth/register",
    tag = "auth",
    request_body = Register,
    responses(
        (status = 201, description = "The account and its first tokens; a link to prove the address is mailed", body = Success<Grant>),
        (status = 400, description = "The request is not valid, or the password is too easy to guess", body = ErrorBody),
        (status = 403, description = "Registration is closed (flag `registration`)", body = ErrorBody),
        (status = 409, description = "The address has an account", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn register(
    State(app): State<App>,
    cx: Cx,
    Json(request): Json<Register>,
) -> ApiResult<Reply<Grant>> {
    let grant = app.register(request, &Client::of(&cx)).await?;
    Ok(created("/api/v1/users/me", grant))
}

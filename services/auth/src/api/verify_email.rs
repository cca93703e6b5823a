//! `POST /api/v1/auth/email/verify`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Reply, reply};
use contract::ErrorBody;
use contract::auth::{User, VerifyEmail};
use contract::page::Success;

/// Proves an address with the token of a mailed link.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email/verify",
    tag = "auth",
    request_body = VerifyEmail,
    responses(
        (status = 200, description = "The account, its address proved", body = Success<User>),
        (status = 400, description = "The request is not valid, or the link does not hold", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn verify_email(
    State(app): State<App>,
    cx: Cx,
    Json(request): Json<VerifyEmail>,
) -> ApiResult<Reply<User>> {
    Ok(reply(app.verify_email(&request, &Client::of(&cx)).await?))
}

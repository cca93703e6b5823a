//! `POST /api/v1/auth/email/verify`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, reply};
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::auth::{User, VerifyEmail};
use contract::page::Success;

/// Proves an address with the token of a mailed link.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email/verify",
    tag = "auth",
    request_body = VerifyEmail,
    params(Once),
    responses(
        (status = 200, description = "The account, its address proved", body = Success<User>),
        (status = 400, description = "The request is not valid, or the link does not hold", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn verify_email(
    State(app): State<App>,
    cx: Cx,
    once: Once,
    Json(request): Json<VerifyEmail>,
) -> ApiResult<Response> {
    let (tx, account) = app.verify_email(&request, &Client::of(&cx)).await?;
    once.commit(tx, reply(account)).await
}

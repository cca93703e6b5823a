//! `POST /api/v1/auth/password/forgot`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, accepted};
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::auth::ForgotPassword;
use contract::page::{Empty, Success};

/// Asks for a link to set a new password. The answer is the same whether there is such an account or not.
#[utoipa::path(
    post,
    path = "/api/v1/auth/password/forgot",
    tag = "auth",
    request_body = ForgotPassword,
    params(Once),
    responses(
        (status = 202, description = "If there is such an account, a link is mailed", body = Success<Empty>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn forgot_password(
    State(app): State<App>,
    cx: Cx,
    once: Once,
    Json(request): Json<ForgotPassword>,
) -> ApiResult<Response> {
    let tx = app.forgot_password(&request, &Client::of(&cx)).await?;
    let answer = accepted(Empty {}).message("If there is such an account, a link is on its way.");
    once.commit(tx, answer).await
}

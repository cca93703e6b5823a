//! `POST /api/v1/auth/email/resend`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, accepted};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::{Empty, Success};

/// Asks for another link to prove the address.
#[utoipa::path(
    post,
    path = "/api/v1/auth/email/resend",
    tag = "auth",
    security(("bearer" = [])),
    params(Once),
    responses(
        (status = 202, description = "Unless the address is proved or a link was just mailed, a link is mailed", body = Success<Empty>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many attempts from this address; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn resend_verification(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
) -> ApiResult<Response> {
    let tx = app.resend_verification(&who, &Client::of(&cx)).await?;
    let answer = accepted(Empty {}).message("If the address is not proved yet, a link is on its way.");
    once.commit(tx, answer).await
}

//! `DELETE /api/v1/auth/sessions`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;

/// Ends every session of who asks but this one.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions",
    tag = "auth",
    security(("bearer" = [])),
    params(Once),
    responses(
        (status = 204, description = "The other sessions have ended"),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn end_other_sessions(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
) -> ApiResult<Response> {
    let tx = app.end_other_sessions(&who, &Client::of(&cx)).await?;
    once.commit(tx, no_content()).await
}

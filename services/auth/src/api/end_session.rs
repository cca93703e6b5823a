//! `DELETE /api/v1/auth/sessions/{id}`.

use crate::app::{App, Client};
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Cx, Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::SessionId;

/// Ends one session of who asks.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions/{id}",
    tag = "auth",
    security(("bearer" = [])),
    params(Once, ("id" = SessionId, Path, description = "The session")),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such live session of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn end_session(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
    once: Once,
    Path(id): Path<SessionId>,
) -> ApiResult<Response> {
    let tx = app.end_session(&who, id, &Client::of(&cx)).await?;
    once.commit(tx, no_content()).await
}

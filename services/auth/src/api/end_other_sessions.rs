//! `DELETE /api/v1/auth/sessions`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, no_content};
use chassis::identity::Principal;
use contract::ErrorBody;
use http::StatusCode;

/// Ends every session of who asks but this one.
#[utoipa::path(
    delete,
    path = "/api/v1/auth/sessions",
    tag = "auth",
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The other sessions have ended"),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn end_other_sessions(
    State(app): State<App>,
    cx: Cx,
    who: Principal,
) -> ApiResult<StatusCode> {
    app.end_other_sessions(&who, &Client::of(&cx)).await?;
    Ok(no_content())
}

//! `POST /api/v1/auth/logout`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, no_content};
use chassis::identity::Principal;
use contract::ErrorBody;
use http::StatusCode;

/// Ends the session that asks.
#[utoipa::path(
    post,
    path = "/api/v1/auth/logout",
    tag = "auth",
    extensions(("x-priority" = json!("critical"))),
    security(("bearer" = [])),
    responses(
        (status = 204, description = "The session has ended"),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn logout(State(app): State<App>, cx: Cx, who: Principal) -> ApiResult<StatusCode> {
    app.logout(&who, &Client::of(&cx)).await?;
    Ok(no_content())
}

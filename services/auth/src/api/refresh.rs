//! `POST /api/v1/auth/refresh`.

use crate::app::{App, Client};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Cx, Json, Reply, reply};
use contract::ErrorBody;
use contract::auth::{Refresh, Tokens};
use contract::page::Success;

/// Trades a refresh token for the next pair. A token works once; two tabs that ask within ten seconds get the same answer.
#[utoipa::path(
    post,
    path = "/api/v1/auth/refresh",
    tag = "auth",
    extensions(("x-priority" = json!("critical"))),
    request_body = Refresh,
    responses(
        (status = 200, description = "The next pair of tokens", body = Success<Tokens>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "The token is unknown, expired or was used before; when it was used before, its session has ended", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn refresh(
    State(app): State<App>,
    cx: Cx,
    Json(request): Json<Refresh>,
) -> ApiResult<Reply<Tokens>> {
    Ok(reply(app.refresh(&request, &Client::of(&cx)).await?))
}

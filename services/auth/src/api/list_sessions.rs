//! `GET /api/v1/auth/sessions`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::Session;
use contract::page::Success;

/// The sessions of who asks, the last used first.
#[utoipa::path(
    get,
    path = "/api/v1/auth/sessions",
    tag = "auth",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The live sessions", body = Success<Vec<Session>>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_sessions(State(app): State<App>, who: Principal) -> ApiResult<Reply<Vec<Session>>> {
    Ok(reply(app.sessions(&who).await?))
}

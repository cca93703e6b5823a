//! `GET /api/v1/notifications/preferences`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::notifications::Preference;
use contract::page::Success;

/// What who asks wants to be told, for every kind of message.
#[utoipa::path(
    get,
    path = "/api/v1/notifications/preferences",
    tag = "notifications",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "Every kind", body = Success<Vec<Preference>>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_preferences(
    State(app): State<App>,
    who: Principal,
) -> ApiResult<Reply<Vec<Preference>>> {
    Ok(reply(app.preferences(&who).await?))
}

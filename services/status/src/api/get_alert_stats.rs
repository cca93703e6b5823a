//! `GET /api/v1/alerts/stats`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::page::Success;
use contract::status::AlertStats;

/// How many alerts there are, and how many fire.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/stats",
    tag = "status",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The counts", body = Success<AlertStats>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_alert_stats(
    State(app): State<App>,
    _: Can<ManageStatus>,
) -> ApiResult<Reply<AlertStats>> {
    Ok(reply(app.stats().await?))
}

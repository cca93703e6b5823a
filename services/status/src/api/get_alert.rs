//! `GET /api/v1/alerts/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::ids::AlertId;
use contract::page::Success;
use contract::status::AlertWithHistory;

/// An alert with its history.
#[utoipa::path(
    get,
    path = "/api/v1/alerts/{id}",
    tag = "status",
    security(("bearer" = [])),
    params(("id" = AlertId, Path, description = "The alert")),
    responses(
        (status = 200, description = "The alert", body = Success<AlertWithHistory>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 404, description = "No such alert", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_alert(
    State(app): State<App>,
    _: Can<ManageStatus>,
    Path(id): Path<AlertId>,
) -> ApiResult<Reply<AlertWithHistory>> {
    Ok(reply(app.alert(id).await?))
}

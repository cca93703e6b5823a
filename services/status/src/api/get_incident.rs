//! `GET /api/v1/incidents/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::ids::IncidentId;
use contract::page::Success;
use contract::status::Incident;

/// An incident, with what was said about it.
#[utoipa::path(
    get,
    path = "/api/v1/incidents/{id}",
    tag = "status",
    security(("bearer" = [])),
    params(("id" = IncidentId, Path, description = "The incident")),
    responses(
        (status = 200, description = "The incident", body = Success<Incident>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 404, description = "No such incident", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_incident(
    State(app): State<App>,
    _: Can<ManageStatus>,
    Path(id): Path<IncidentId>,
) -> ApiResult<Reply<Incident>> {
    let incident = app.incident(id).await?;
    let version = incident.version;
    Ok(reply(incident).version(version))
}

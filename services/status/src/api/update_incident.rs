//! `PATCH /api/v1/incidents/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::ids::IncidentId;
use contract::page::Success;
use contract::status::{Incident, UpdateIncident};

/// Changes an incident, and says something about it. From then on it ends only when a person says so.
#[utoipa::path(
    patch,
    path = "/api/v1/incidents/{id}",
    tag = "status",
    security(("bearer" = [])),
    request_body = UpdateIncident,
    params(Once, ("id" = IncidentId, Path, description = "The incident")),
    responses(
        (status = 200, description = "The incident as it is now", body = Success<Incident>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 404, description = "No such incident", body = ErrorBody),
        (status = 409, description = "It is over, or the first request with this Idempotency-Key is still at work", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_incident(
    State(app): State<App>,
    who: Can<ManageStatus>,
    once: Once,
    Path(id): Path<IncidentId>,
    seen: IfMatch,
    Json(change): Json<UpdateIncident>,
) -> ApiResult<Response> {
    let (mut t, now) = app.update_incident(&who.0, id, change, &seen).await?;
    app.show(&mut t);
    let version = now.version;
    once.commit(t, reply(now).version(version)).await
}

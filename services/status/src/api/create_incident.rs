//! `POST /api/v1/incidents`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageStatus;
use contract::ErrorBody;
use contract::page::Success;
use contract::status::{CreateIncident, Incident};

/// Opens an incident, which everybody sees at once.
#[utoipa::path(
    post,
    path = "/api/v1/incidents",
    tag = "status",
    security(("bearer" = [])),
    request_body = CreateIncident,
    params(Once),
    responses(
        (status = 201, description = "The incident", body = Success<Incident>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission status:manage", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_incident(
    State(app): State<App>,
    who: Can<ManageStatus>,
    once: Once,
    Json(asked): Json<CreateIncident>,
) -> ApiResult<Response> {
    let (mut t, made) = app.open_incident(&who.0, asked).await?;
    app.show(&mut t);
    let version = made.version;
    once.commit(t, created(format!("/api/v1/incidents/{}", made.id), made).version(version)).await
}

//! `POST /api/v1/brands`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageCatalog;
use contract::ErrorBody;
use contract::catalog::{Brand, CreateBrand};
use contract::page::Success;

/// Makes a brand.
#[utoipa::path(
    post,
    path = "/api/v1/brands",
    tag = "brands",
    security(("bearer" = [])),
    request_body = CreateBrand,
    params(Once),
    responses(
        (status = 201, description = "The brand", body = Success<Brand>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission catalog:manage", body = ErrorBody),
        (status = 409, description = "The slug is in use; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_brand(
    State(app): State<App>,
    _: Can<ManageCatalog>,
    once: Once,
    Json(request): Json<CreateBrand>,
) -> ApiResult<Response> {
    let (tx, made) = app.create_brand(request).await?;
    let (place, version) = (format!("/api/v1/brands/{}", made.id), made.version);
    once.commit(tx, created(place, made).version(version)).await
}

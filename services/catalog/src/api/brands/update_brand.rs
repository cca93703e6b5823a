//! `PATCH /api/v1/brands/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageCatalog;
use contract::ErrorBody;
use contract::catalog::{Brand, UpdateBrand};
use contract::ids::BrandId;
use contract::page::Success;

/// Changes a brand. Its products are found by the new name from then on.
#[utoipa::path(
    patch,
    path = "/api/v1/brands/{id}",
    tag = "brands",
    security(("bearer" = [])),
    request_body = UpdateBrand,
    params(Once, ("id" = BrandId, Path, description = "The brand")),
    responses(
        (status = 200, description = "The brand as it is now", body = Success<Brand>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission catalog:manage", body = ErrorBody),
        (status = 404, description = "No such brand", body = ErrorBody),
        (status = 409, description = "The slug is in use; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_brand(
    State(app): State<App>,
    _: Can<ManageCatalog>,
    once: Once,
    Path(id): Path<BrandId>,
    seen: IfMatch,
    Json(change): Json<UpdateBrand>,
) -> ApiResult<Response> {
    let (tx, changed) = app.update_brand(id, change, &seen).await?;
    let version = changed.version;
    once.commit(tx, reply(changed).version(version)).await
}

//! `DELETE /api/v1/brands/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ManageCatalog;
use contract::ErrorBody;
use contract::ids::BrandId;

/// Removes a brand of which there is no product.
#[utoipa::path(
    delete,
    path = "/api/v1/brands/{id}",
    tag = "brands",
    security(("bearer" = [])),
    params(Once, ("id" = BrandId, Path, description = "The brand")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission catalog:manage", body = ErrorBody),
        (status = 404, description = "No such brand", body = ErrorBody),
        (status = 409, description = "There are products of it; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_brand(
    State(app): State<App>,
    _: Can<ManageCatalog>,
    once: Once,
    Path(id): Path<BrandId>,
    seen: IfMatch,
) -> ApiResult<Response> {
    let tx = app.remove_brand(id, &seen).await?;
    once.commit(tx, no_content()).await
}

//! `PATCH /api/v1/categories/{id}`.

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
use contract::catalog::{Category, UpdateCategory};
use contract::ids::CategoryId;
use contract::page::Success;

/// Changes a category, or moves it with everything in it. Its version is that of the whole tree.
#[utoipa::path(
    patch,
    path = "/api/v1/categories/{id}",
    tag = "categories",
    security(("bearer" = [])),
    request_body = UpdateCategory,
    params(Once, ("id" = CategoryId, Path, description = "The category")),
    responses(
        (status = 200, description = "The category as it is now", body = Success<Category>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission catalog:manage", body = ErrorBody),
        (status = 404, description = "No such category", body = ErrorBody),
        (status = 409, description = "The slug is in use; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_category(
    State(app): State<App>,
    _: Can<ManageCatalog>,
    once: Once,
    Path(id): Path<CategoryId>,
    seen: IfMatch,
    Json(change): Json<UpdateCategory>,
) -> ApiResult<Response> {
    let (tx, changed) = app.update_category(id, change, &seen).await?;
    let version = changed.version;
    once.commit(tx, reply(changed).version(version)).await
}

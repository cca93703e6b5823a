//! `PATCH /api/v1/products/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::SellProducts;
use contract::ErrorBody;
use contract::catalog::{Product, UpdateProduct};
use contract::ids::ProductId;
use contract::page::Success;

/// Changes a product of one's own; who manages the catalog, any.
///
/// Another price is another version of the price; those of before are kept.
#[utoipa::path(
    patch,
    path = "/api/v1/products/{id}",
    tag = "products",
    security(("bearer" = [])),
    request_body = UpdateProduct,
    params(Once, ("id" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "The product as it is now", body = Success<Product>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission products:sell; what is featured, catalog:manage", body = ErrorBody),
        (status = 404, description = "No such product of yours", body = ErrorBody),
        (status = 409, description = "SKU or slug is in use; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_product(
    State(app): State<App>,
    who: Can<SellProducts>,
    once: Once,
    Path(id): Path<ProductId>,
    seen: IfMatch,
    Json(change): Json<UpdateProduct>,
) -> ApiResult<Response> {
    let (tx, product) = app.update_product(&who.0, id, change, &seen).await?;
    let version = product.version;
    once.commit(tx, reply(product).version(version)).await
}

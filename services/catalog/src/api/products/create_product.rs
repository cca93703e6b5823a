//! `POST /api/v1/products`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::SellProducts;
use contract::ErrorBody;
use contract::catalog::{CreateProduct, Product};
use contract::page::Success;

/// Makes a product.
///
/// It is of who asks; who manages the catalog may name another vendor, and is the one who may have it featured.
#[utoipa::path(
    post,
    path = "/api/v1/products",
    tag = "products",
    security(("bearer" = [])),
    request_body = CreateProduct,
    params(Once),
    responses(
        (status = 201, description = "The product", body = Success<Product>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission products:sell; another's product, or a featured one, catalog:manage", body = ErrorBody),
        (status = 409, description = "SKU or slug is in use; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_product(
    State(app): State<App>,
    who: Can<SellProducts>,
    once: Once,
    Json(request): Json<CreateProduct>,
) -> ApiResult<Response> {
    let (tx, product) = app.create_product(&who.0, request).await?;
    let (place, version) = (format!("/api/v1/products/{}", product.id), product.version);
    once.commit(tx, created(place, product).version(version)).await
}

//! `DELETE /api/v1/products/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, no_content};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::SellProducts;
use contract::ErrorBody;
use contract::ids::ProductId;

/// Removes a product of one's own; who manages the catalog, any. Orders keep what they know of it.
///
/// A product that is only not to be sold for a while is made inactive instead.
#[utoipa::path(
    delete,
    path = "/api/v1/products/{id}",
    tag = "products",
    security(("bearer" = [])),
    params(Once, ("id" = ProductId, Path, description = "The product")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission products:sell", body = ErrorBody),
        (status = 404, description = "No such product of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn delete_product(
    State(app): State<App>,
    who: Can<SellProducts>,
    once: Once,
    Path(id): Path<ProductId>,
    seen: IfMatch,
) -> ApiResult<Response> {
    let tx = app.remove_product(&who.0, id, &seen).await?;
    once.commit(tx, no_content()).await
}

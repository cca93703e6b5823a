//! `GET /api/v1/products/{id}`.

use super::shown;
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply};
use chassis::identity::MaybePrincipal;
use contract::ErrorBody;
use contract::catalog::Product;
use contract::ids::ProductId;
use contract::page::Success;

/// A product that is sold; one that is not only for its vendor and for who manages the catalog.
#[utoipa::path(
    get,
    path = "/api/v1/products/{id}",
    tag = "products",
    security((), ("bearer" = [])),
    params(("id" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "The product", body = Success<Product>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "An access token was sent that does not hold", body = ErrorBody),
        (status = 404, description = "No such product that you may see", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_product(
    State(app): State<App>,
    who: MaybePrincipal,
    Path(id): Path<ProductId>,
) -> ApiResult<Reply<Product>> {
    Ok(shown(app.product(id, who.0.as_ref()).await?))
}

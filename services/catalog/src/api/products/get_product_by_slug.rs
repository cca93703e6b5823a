//! `GET /api/v1/products/by-slug/{slug}`.

use super::shown;
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply};
use chassis::identity::MaybePrincipal;
use contract::ErrorBody;
use contract::catalog::Product;
use contract::page::Success;

/// A product by what stands for it in an address.
#[utoipa::path(
    get,
    path = "/api/v1/products/by-slug/{slug}",
    tag = "products",
    security((), ("bearer" = [])),
    params(("slug" = String, Path, description = "The product's slug")),
    responses(
        (status = 200, description = "The product", body = Success<Product>),
        (status = 401, description = "An access token was sent that does not hold", body = ErrorBody),
        (status = 404, description = "No such product that you may see", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_product_by_slug(
    State(app): State<App>,
    who: MaybePrincipal,
    Path(slug): Path<String>,
) -> ApiResult<Reply<Product>> {
    Ok(shown(app.product_by_slug(&slug, who.0.as_ref()).await?))
}

//! `GET /api/v1/inventory/{product}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::MaybePrincipal;
use contract::ErrorBody;
use contract::ids::ProductId;
use contract::inventory::Availability;
use contract::page::Success;

/// Whether a product can be had.
///
/// Its vendor, and who counts all stock, also gets the numbers.
#[utoipa::path(
    get,
    path = "/api/v1/inventory/{product}",
    tag = "inventory",
    security((), ("bearer" = [])),
    params(("product" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "What there is, as who asks may know it", body = Success<Availability>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "The access token does not hold", body = ErrorBody),
        (status = 404, description = "No such product", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_stock(
    State(app): State<App>,
    MaybePrincipal(who): MaybePrincipal,
    Path(product): Path<ProductId>,
) -> ApiResult<Reply<Availability>> {
    Ok(reply(app.stock(product, who.as_ref()).await?))
}

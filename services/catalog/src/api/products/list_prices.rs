//! `GET /api/v1/products/{id}/prices`.

use crate::app::App;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::SellProducts;
use contract::ErrorBody;
use contract::catalog::{ListPrices, PriceVersion};
use contract::ids::ProductId;
use contract::page::{Pagination, Success};

/// Every price that a product of one's own has had, the newest first; for who manages the catalog, of any product.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/products/{id}/prices",
    tag = "products",
    security(("bearer" = [])),
    params(ListPrices, ("id" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<PriceVersion>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission products:sell", body = ErrorBody),
        (status = 404, description = "No such product of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_prices(
    State(app): State<App>,
    who: Can<SellProducts>,
    Path(id): Path<ProductId>,
    Query(query): Query<ListPrices>,
) -> ApiResult<Reply<Vec<PriceVersion>>> {
    let before = query.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| ApiError::invalid_field("cursor", "not a cursor of this list"))?;
    let (prices, next) = app.prices(&who.0, id, before, query.limit).await?;
    let place = Pagination::by_cursor(query.limit, before.is_some(), next.map(|next| next.to_string()));
    Ok(reply(prices).page(place))
}

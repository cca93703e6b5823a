//! `GET /internal/v1/catalog/products`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::catalog::{CardsQuery, ProductCards};

/// Cards of products, from copies: to be shown, never to be sold from.
pub(super) async fn cards(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<CardsQuery>,
) -> ApiResult<Reply<ProductCards>> {
    Ok(reply(app.cards(&query.ids).await?))
}

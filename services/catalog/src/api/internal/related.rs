//! `GET /internal/v1/catalog/related`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::catalog::{ProductCards, RelatedQuery};

/// What else is sold in the categories of these products.
pub(super) async fn related(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<RelatedQuery>,
) -> ApiResult<Reply<ProductCards>> {
    Ok(reply(app.related(&query.products, query.limit).await?))
}

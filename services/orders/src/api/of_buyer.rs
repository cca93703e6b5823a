//! `GET /internal/v1/orders/purchases` and `GET /internal/v1/orders/recent`: what somebody has bought, for other services.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::orders::{OfBuyer, OrderSummary, Purchases};

/// The products, the latest first.
pub(super) async fn purchases(
    State(app): State<App>,
    _: ServiceCaller,
    Query(OfBuyer { user, limit }): Query<OfBuyer>,
) -> ApiResult<Reply<Purchases>> {
    Ok(reply(Purchases { products: app.purchases(user, limit).await? }))
}

/// The orders, the latest first.
pub(super) async fn recent(
    State(app): State<App>,
    _: ServiceCaller,
    Query(OfBuyer { user, limit }): Query<OfBuyer>,
) -> ApiResult<Reply<Vec<OrderSummary>>> {
    Ok(reply(app.recent_orders(user, limit).await?))
}

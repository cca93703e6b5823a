//! `GET /api/v1/orders/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::clock::Ts;
use chassis::error::ApiResult;
use chassis::http::{Path, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::{Order, OrderAsOf};
use contract::page::Success;

/// An order: one's own, or any for who manages orders.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}",
    tag = "orders",
    security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order"), OrderAsOf),
    responses(
        (status = 200, description = "The order", body = Success<Order>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such order of yours, or none at that time", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_order(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrderId>,
    Query(query): Query<OrderAsOf>,
) -> ApiResult<Reply<Order>> {
    let order = app.order(&who, id, query.as_of.map(Ts::from_datetime)).await?;
    Ok(reply(order))
}

//! `POST /api/v1/orders/{id}/deliver`.

use crate::app::{Advance, App};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::idempotency::Once;
use chassis::identity::{Can, permits};
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::Order;
use contract::page::Success;

/// An order has arrived.
#[utoipa::path(
    post,
    path = "/api/v1/orders/{id}/deliver",
    tag = "orders",
    security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order"), Once),
    responses(
        (status = 200, description = "The order, as it stands", body = Success<Order>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "The permission orders:manage is missing", body = ErrorBody),
        (status = 404, description = "No such order", body = ErrorBody),
        (status = 409, description = "The order does not stand where that is done; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn deliver_order(
    State(app): State<App>,
    who: Can<permits::ManageOrders>,
    once: Once,
    Path(id): Path<OrderId>,
) -> ApiResult<Reply<Order>> {
    let order = app.advance(&who.0, id, Advance::Deliver, once).await?;
    Ok(reply(order))
}

//! `POST /api/v1/orders/{id}/refunds`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, Reply, created};
use chassis::idempotency::Once;
use chassis::identity::{Can, permits};
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::{Order, RefundOrder};
use contract::page::Success;

/// Gives some or all of what an order cost back.
///
/// All refunds together never come to more than was paid. What is left of an order that is not on its way is given back by
/// calling it off.
#[utoipa::path(
    post,
    path = "/api/v1/orders/{id}/refunds",
    tag = "orders",
    security(("bearer" = [])),
    request_body = RefundOrder,
    params(("id" = OrderId, Path, description = "The order"), Once),
    responses(
        (status = 201, description = "The order, as it stands", body = Success<Order>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "The permission orders:manage is missing", body = ErrorBody),
        (status = 404, description = "No such order", body = ErrorBody),
        (status = 409, description = "More than is left, or the order does not stand where that is done; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn refund_order(
    State(app): State<App>,
    who: Can<permits::ManageOrders>,
    once: Once,
    Path(id): Path<OrderId>,
    Json(request): Json<RefundOrder>,
) -> ApiResult<Reply<Order>> {
    let order = app.refund(&who.0, id, request, once).await?;
    Ok(created(format!("/api/v1/orders/{id}"), order))
}

//! `POST /api/v1/orders/{id}/cancel`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, Reply, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::{CancelOrder, Order};
use contract::page::Success;

/// Calls an order off; what was paid is given back.
///
/// A buyer may do so until it is being packed, who manages orders until it is on its way.
#[utoipa::path(
    post,
    path = "/api/v1/orders/{id}/cancel",
    tag = "orders",
    security(("bearer" = [])),
    request_body = CancelOrder,
    params(("id" = OrderId, Path, description = "The order"), Once),
    responses(
        (status = 200, description = "The order, as it stands", body = Success<Order>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such order of yours", body = ErrorBody),
        (status = 409, description = "It is too late for that; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn cancel_order(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<OrderId>,
    Json(request): Json<CancelOrder>,
) -> ApiResult<Reply<Order>> {
    let order = app.cancel(&who, id, request, once).await?;
    Ok(reply(order))
}

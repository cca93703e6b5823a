//! `POST /api/v1/orders/{id}/retry`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, Reply, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::{Order, RetryOrder};
use contract::page::Success;

/// Tries again to pay an order that failed.
///
/// What it costs is looked up anew; when that is something else by now, nothing is tried.
#[utoipa::path(
    post,
    path = "/api/v1/orders/{id}/retry",
    tag = "orders",
    security(("bearer" = [])),
    request_body = RetryOrder,
    params(("id" = OrderId, Path, description = "The order"), Once),
    responses(
        (status = 200, description = "The order, as it stands", body = Success<Order>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such order of yours", body = ErrorBody),
        (status = 409, description = "The order has not failed, the price has changed, or not everything is for sale; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn retry_order(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<OrderId>,
    Json(request): Json<RetryOrder>,
) -> ApiResult<Reply<Order>> {
    let order = app.retry(who.user(), id, request, once).await?;
    Ok(reply(order))
}

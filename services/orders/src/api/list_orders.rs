//! `GET /api/v1/orders`.

use crate::app::App;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cursor, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::orders::{ListOrders, OrderSummary};
use contract::page::{Pagination, Success};

/// One's own orders, the youngest first; who may see every order sees those of all.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one. The list may be a moment
/// behind the orders themselves.
#[utoipa::path(
    get,
    path = "/api/v1/orders",
    tag = "orders",
    security(("bearer" = [])),
    params(ListOrders),
    responses(
        (status = 200, description = "A page of orders", body = Success<Vec<OrderSummary>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Another's orders need the permission orders:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_orders(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<ListOrders>,
) -> ApiResult<Reply<Vec<OrderSummary>>> {
    let after = query.cursor.as_deref().map(Cursor::parse).transpose();
    let after = after.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let (orders, next) = app.list_orders(&who, &query, after).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(|next| next.text()));
    Ok(reply(orders).page(place))
}

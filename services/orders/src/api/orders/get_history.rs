//! `GET /api/v1/orders/{id}/history`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::OrderId;
use contract::orders::OrderHappening;
use contract::page::Success;

/// What happened to an order, the first first.
#[utoipa::path(
    get,
    path = "/api/v1/orders/{id}/history",
    tag = "orders",
    security(("bearer" = [])),
    params(("id" = OrderId, Path, description = "The order")),
    responses(
        (status = 200, description = "What happened", body = Success<Vec<OrderHappening>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such order of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_history(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrderId>,
) -> ApiResult<Reply<Vec<OrderHappening>>> {
    Ok(reply(app.history(&who, id).await?))
}

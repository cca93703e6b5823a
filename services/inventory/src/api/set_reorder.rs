//! `PUT /api/v1/inventory/{product}`.

use crate::api::counter::Counter;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::ids::ProductId;
use contract::inventory::{SetReorder, StockItem};
use contract::page::Success;

/// Sets below which number the vendor is told, and how many are usually bought in.
///
/// A level above what there is now counts as told.
#[utoipa::path(
    put,
    path = "/api/v1/inventory/{product}",
    tag = "inventory",
    security(("bearer" = [])),
    request_body = SetReorder,
    params(Once, ("product" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "The stock as it is now", body = Success<StockItem>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission stock:manage or products:sell", body = ErrorBody),
        (status = 404, description = "No such product of yours", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn set_reorder(
    State(app): State<App>,
    who: Counter,
    once: Once,
    Path(product): Path<ProductId>,
    Json(request): Json<SetReorder>,
) -> ApiResult<Response> {
    let (tx, item) = app.set_reorder(who.scope, product, request).await?;
    once.commit(tx, reply(item)).await
}

//! `POST /api/v1/inventory/{product}/adjustments`.

use crate::api::counter::Counter;
use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, Path, created};
use chassis::idempotency::Once;
use contract::ErrorBody;
use contract::ids::ProductId;
use contract::inventory::{Adjust, Movement};
use contract::page::Success;

/// Counts a product anew: what was bought in, came back, was spoilt, or was found to be otherwise.
///
/// Never below what is reserved. A product is there to be counted as soon as the inventory has heard of it from the catalog,
/// usually within a second.
#[utoipa::path(
    post,
    path = "/api/v1/inventory/{product}/adjustments",
    tag = "inventory",
    security(("bearer" = [])),
    request_body = Adjust,
    params(Once, ("product" = ProductId, Path, description = "The product")),
    responses(
        (status = 201, description = "The line of the ledger", body = Success<Movement>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission stock:manage or products:sell", body = ErrorBody),
        (status = 404, description = "No such product of yours", body = ErrorBody),
        (status = 409, description = "Less would be left than is reserved; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn adjust(
    State(app): State<App>,
    who: Counter,
    once: Once,
    Path(product): Path<ProductId>,
    Json(request): Json<Adjust>,
) -> ApiResult<Response> {
    let (tx, movement) = app.adjust(&who.who, who.scope, product, request).await?;
    once.commit(tx, created(format!("/api/v1/inventory/{product}/movements"), movement)).await
}

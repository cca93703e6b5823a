//! `GET /api/v1/inventory/{product}/movements`.

use crate::api::counter::Counter;
use crate::app::App;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Query, Reply, reply};
use contract::ErrorBody;
use contract::ids::ProductId;
use contract::inventory::{ListMovements, Movement};
use contract::page::{Pagination, Success};

/// The ledger of a product, the newest line first.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/inventory/{product}/movements",
    tag = "inventory",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(ListMovements, ("product" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "A page of it", body = Success<Vec<Movement>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission stock:manage or products:sell", body = ErrorBody),
        (status = 404, description = "No such product of yours", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_movements(
    State(app): State<App>,
    who: Counter,
    Path(product): Path<ProductId>,
    Query(query): Query<ListMovements>,
) -> ApiResult<Reply<Vec<Movement>>> {
    // The lines of a product are numbered without gaps: the cursor is the number of the last one that was seen.
    let before = query.cursor.as_deref().map(str::parse::<i64>).transpose();
    let before = before.map_err(|_| ApiError::invalid_field("cursor", "not a cursor of this list"))?;
    let from = before.unwrap_or(i64::MAX);
    let (lines, next) = app.movements(product, who.scope, from, query.limit).await?;
    let place = Pagination::by_cursor(query.limit, before.is_some(), next.map(|next| next.to_string()));
    Ok(reply(lines).page(place))
}

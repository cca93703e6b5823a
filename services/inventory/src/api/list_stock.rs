//! `GET /api/v1/inventory`.

use crate::api::counter::Counter;
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, Query, Reply, reply};
use contract::ErrorBody;
use contract::inventory::{ListStock, StockItem};
use contract::page::Success;

/// The stock by its number in the warehouse.
///
/// A vendor sees their own, who counts all stock sees everybody's.
#[utoipa::path(
    get,
    path = "/api/v1/inventory",
    tag = "inventory",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(ListStock),
    responses(
        (status = 200, description = "A page of it", body = Success<Vec<StockItem>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission stock:manage or products:sell", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_stock(
    State(app): State<App>,
    who: Counter,
    Query(query): Query<ListStock>,
) -> ApiResult<Reply<Vec<StockItem>>> {
    let page = Page::new(query.page, query.limit);
    let (items, total) = app.list_stock(&query, who.scope, page).await?;
    Ok(reply(items).page(page.of(total)))
}

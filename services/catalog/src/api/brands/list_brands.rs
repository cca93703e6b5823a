//! `GET /api/v1/brands`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, Query, Reply, reply};
use contract::ErrorBody;
use contract::catalog::{Brand, ListBrands};
use contract::page::Success;

/// Brands by name.
#[utoipa::path(
    get,
    path = "/api/v1/brands",
    tag = "brands",
    params(ListBrands),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Brand>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_brands(
    State(app): State<App>,
    Query(query): Query<ListBrands>,
) -> ApiResult<Reply<Vec<Brand>>> {
    let (brands, total) = app.brands(&query).await?;
    Ok(reply(brands).page(Page::new(query.page, query.limit).of(total)))
}

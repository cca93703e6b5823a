//! `GET /api/v1/categories/{id}`.

use crate::app::App;
use crate::error::CatalogError;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use contract::ErrorBody;
use contract::catalog::Category;
use contract::ids::CategoryId;
use contract::page::Success;

/// A category, with the way to it from the top.
#[utoipa::path(
    get,
    path = "/api/v1/categories/{id}",
    tag = "categories",
    params(("id" = CategoryId, Path, description = "The category")),
    responses(
        (status = 200, description = "The category", body = Success<Category>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 404, description = "No such category", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_category(
    State(app): State<App>,
    Path(id): Path<CategoryId>,
) -> ApiResult<Reply<Category>> {
    let tree = app.tree().await?;
    let category = tree.category(id).ok_or(CatalogError::NotFound("category"))?;
    Ok(reply(category).version(tree.version).cached(tree.caching()))
}

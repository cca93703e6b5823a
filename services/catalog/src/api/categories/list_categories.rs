//! `GET /api/v1/categories`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use contract::ErrorBody;
use contract::catalog::CategoryNode;
use contract::page::Success;

/// The tree of categories.
#[utoipa::path(
    get,
    path = "/api/v1/categories",
    tag = "categories",
    responses(
        (status = 200, description = "Those at the top, each with all in it", body = Success<Vec<CategoryNode>>),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_categories(State(app): State<App>) -> ApiResult<Reply<Vec<CategoryNode>>> {
    let tree = app.tree().await?;
    Ok(reply(tree.nodes()).version(tree.version).cached(tree.caching()))
}

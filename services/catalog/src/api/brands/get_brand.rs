//! `GET /api/v1/brands/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use contract::ErrorBody;
use contract::catalog::Brand;
use contract::ids::BrandId;
use contract::page::Success;

/// A brand.
#[utoipa::path(
    get,
    path = "/api/v1/brands/{id}",
    tag = "brands",
    params(("id" = BrandId, Path, description = "The brand")),
    responses(
        (status = 200, description = "The brand", body = Success<Brand>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 404, description = "No such brand", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_brand(State(app): State<App>, Path(id): Path<BrandId>) -> ApiResult<Reply<Brand>> {
    let brand = app.brand(id).await?;
    let version = brand.version;
    Ok(reply(brand).version(version))
}

//! `GET /api/v1/reviews/ratings/{product}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Path, Reply, reply};
use contract::ErrorBody;
use contract::ids::ProductId;
use contract::page::Success;
use contract::reviews::Rating;

/// What the reviews of a product come to. It follows them within moments; a product that nobody has reviewed has a count of 0.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/ratings/{product}",
    tag = "reviews",
    params(("product" = ProductId, Path, description = "The product")),
    responses(
        (status = 200, description = "Count, average and stars", body = Success<Rating>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_rating(
    State(app): State<App>,
    Path(product): Path<ProductId>,
) -> ApiResult<Reply<Rating>> {
    let rating = app.ratings(&[product]).await?.pop();
    let missing = || ApiError::internal(anyhow::anyhow!("no answer for a product that was asked for"));
    Ok(reply(rating.ok_or_else(missing)?))
}

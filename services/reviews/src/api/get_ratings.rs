//! `GET /internal/v1/reviews/ratings`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::reviews::{Rating, RatingsOf};

/// What the reviews of some products come to, in the order in which they were asked for.
pub(super) async fn get_ratings(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<RatingsOf>,
) -> ApiResult<Reply<Vec<Rating>>> {
    Ok(reply(app.ratings(&query.ids()).await?))
}

//! `GET /internal/v1/auth/feed`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::auth::{Feed, FeedQuery};

/// What is new for verifiers: keys and revocations. Waits for news as long as the query says.
pub(super) async fn get_feed(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<FeedQuery>,
) -> ApiResult<Reply<Feed>> {
    Ok(reply(app.feed(&query).await?))
}

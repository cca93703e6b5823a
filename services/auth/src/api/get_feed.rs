//! `GET /internal/v1/auth/feed`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ErrorBody;
use contract::auth::{Feed, FeedQuery};
use contract::page::Success;

/// What is new for verifiers: keys and revocations. Waits for news as long as the query says.
#[utoipa::path(
    get,
    path = "/internal/v1/auth/feed",
    tag = "internal",
    params(FeedQuery),
    responses(
        (status = 200, description = "What is new", body = Success<Feed>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 404, description = "The caller is no service", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_feed(
    State(app): State<App>,
    _: ServiceCaller,
    Query(query): Query<FeedQuery>,
) -> ApiResult<Reply<Feed>> {
    Ok(reply(app.feed(&query).await?))
}

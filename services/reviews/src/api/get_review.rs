//! `GET /api/v1/reviews/{id}`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::MaybePrincipal;
use contract::ErrorBody;
use contract::ids::ReviewId;
use contract::page::Success;
use contract::reviews::Review;

/// One review. What is not shown is there for its author and for moderators only.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/{id}",
    tag = "reviews",
    security((), ("bearer" = [])),
    params(("id" = ReviewId, Path, description = "The review")),
    responses(
        (status = 200, description = "The review", body = Success<Review>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such review", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_review(
    State(app): State<App>,
    MaybePrincipal(who): MaybePrincipal,
    Path(id): Path<ReviewId>,
) -> ApiResult<Reply<Review>> {
    let (review, version) = app.review(who.as_ref(), id).await?;
    Ok(reply(review).version(version))
}

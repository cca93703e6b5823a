//! `PATCH /api/v1/reviews/{id}`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::ids::ReviewId;
use contract::page::Success;
use contract::reviews::{Review, UpdateReview};

/// Changes a review of who asks. One that was rejected waits for a moderator again.
#[utoipa::path(
    patch,
    path = "/api/v1/reviews/{id}",
    tag = "reviews",
    security(("bearer" = [])),
    request_body = UpdateReview,
    params(Once, ("id" = ReviewId, Path, description = "The review")),
    responses(
        (status = 200, description = "The review as it is now", body = Success<Review>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such review", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn update_review(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Path(id): Path<ReviewId>,
    seen: IfMatch,
    Json(change): Json<UpdateReview>,
) -> ApiResult<Response> {
    let (tx, review) = app.revise(&who, id, change, &seen).await?;
    once.commit(tx, reply(review.whole()).version(review.version)).await
}

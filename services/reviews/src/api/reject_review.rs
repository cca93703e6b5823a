//! `POST /api/v1/reviews/{id}/reject`.

use crate::app::App;
use crate::domain::standing::Decision;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ModerateReviews;
use contract::ErrorBody;
use contract::ids::ReviewId;
use contract::page::Success;
use contract::reviews::{RejectReview, Review};

/// Keeps a review from being shown, with a reason for its author. One that was rejected stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{id}/reject",
    tag = "reviews",
    security(("bearer" = [])),
    request_body = RejectReview,
    params(Once, ("id" = ReviewId, Path, description = "The review")),
    responses(
        (status = 200, description = "The review as it is now", body = Success<Review>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission reviews:moderate, and somebody else's review", body = ErrorBody),
        (status = 404, description = "No such review", body = ErrorBody),
        (status = 409, description = "The first request with this Idempotency-Key is still at work; Retry-After says when to send it again", body = ErrorBody),
        (status = 412, description = "If-Match names another version", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn reject_review(
    State(app): State<App>,
    who: Can<ModerateReviews>,
    once: Once,
    Path(id): Path<ReviewId>,
    seen: IfMatch,
    Json(asked): Json<RejectReview>,
) -> ApiResult<Response> {
    let decision = (Decision::Reject, Some(asked.reason));
    let (tx, review) = app.decide(&who.0, id, decision, &seen).await?;
    once.commit(tx, reply(review.whole()).version(review.version)).await
}

//! `POST /api/v1/reviews/{id}/approve`.

use crate::app::App;
use crate::domain::standing::Decision;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, reply};
use chassis::idempotency::Once;
use chassis::identity::Can;
use chassis::identity::permits::ModerateReviews;
use contract::ErrorBody;
use contract::ids::ReviewId;
use contract::page::Success;
use contract::reviews::Review;

/// Lets a review be shown. One that is shown stays as it is.
#[utoipa::path(
    post,
    path = "/api/v1/reviews/{id}/approve",
    tag = "reviews",
    security(("bearer" = [])),
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
pub(super) async fn approve_review(
    State(app): State<App>,
    who: Can<ModerateReviews>,
    once: Once,
    Path(id): Path<ReviewId>,
    seen: IfMatch,
) -> ApiResult<Response> {
    let decision = (Decision::Approve, None);
    let (tx, review) = app.decide(&who.0, id, decision, &seen).await?;
    once.commit(tx, reply(review.whole()).version(review.version)).await
}

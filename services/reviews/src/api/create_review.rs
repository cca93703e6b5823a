//! `POST /api/v1/reviews`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::reviews::{CreateReview, Review};

/// Writes a review of a product that who asks has bought and was brought.
#[utoipa::path(
    post,
    path = "/api/v1/reviews",
    tag = "reviews",
    security(("bearer" = [])),
    request_body = CreateReview,
    params(Once),
    responses(
        (status = 201, description = "The review", body = Success<Review>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Only who has bought it may review it", body = ErrorBody),
        (status = 409, description = "You have reviewed it already; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_review(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(asked): Json<CreateReview>,
) -> ApiResult<Response> {
    let (tx, made) = app.create(&who, asked).await?;
    let location = format!("/api/v1/reviews/{}", made.id);
    once.commit(tx, created(location, made.whole()).version(made.version)).await
}

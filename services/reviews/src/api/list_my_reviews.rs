//! `GET /api/v1/reviews/mine`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::page::Success;
use contract::reviews::{MyReviews, Review};

/// The reviews of who asks, wherever they stand, the newest first.
#[utoipa::path(
    get,
    path = "/api/v1/reviews/mine",
    tag = "reviews",
    security(("bearer" = [])),
    params(MyReviews),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Review>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_my_reviews(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<MyReviews>,
) -> ApiResult<Reply<Vec<Review>>> {
    let page = Page::new(query.page, query.limit);
    let (reviews, total) = app.reviews_of(&who, query.product, page).await?;
    Ok(reply(reviews).page(page.of(total)))
}

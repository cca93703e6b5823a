//! `GET /api/v1/reviews`.

use crate::app::App;
use crate::store::review_list::SortBy;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, Query, Reply, SortKey as _, reply};
use chassis::identity::MaybePrincipal;
use contract::ErrorBody;
use contract::page::Success;
use contract::reviews::{ListReviews, Review};

/// Reviews that are shown, the newest first unless `sort` says otherwise. With a `status` it is the moderators' queue.
#[utoipa::path(
    get,
    path = "/api/v1/reviews",
    tag = "reviews",
    security((), ("bearer" = [])),
    params(ListReviews),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Review>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Others than those shown need the permission reviews:moderate", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_reviews(
    State(app): State<App>,
    MaybePrincipal(who): MaybePrincipal,
    Query(query): Query<ListReviews>,
) -> ApiResult<Reply<Vec<Review>>> {
    let order = SortBy::parse(query.sort.as_deref().unwrap_or("-createdAt"))?;
    let page = Page::new(query.page, query.limit);
    let (reviews, total) = app.reviews(who.as_ref(), &query, order, page).await?;
    Ok(reply(reviews).page(page.of(total)))
}

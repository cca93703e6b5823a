//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod approve_review;
mod create_review;
mod delete_review;
mod get_rating;
mod get_ratings;
mod get_review;
mod list_my_reviews;
mod list_reviews;
mod reject_review;
mod update_review;

use crate::app::App;
use axum::routing::get;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Reviews", "What buyers say about products."))
        .routes(routes!(create_review::create_review, list_reviews::list_reviews))
        .routes(routes!(list_my_reviews::list_my_reviews))
        .routes(routes!(get_rating::get_rating))
        .routes(routes!(get_review::get_review, update_review::update_review, delete_review::delete_review))
        .routes(routes!(approve_review::approve_review))
        .routes(routes!(reject_review::reject_review))
        // Not in the document: from outside there is no such route.
        .route("/internal/v1/reviews/ratings", get(get_ratings::get_ratings))
}

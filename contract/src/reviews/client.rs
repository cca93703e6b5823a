//! The typed client of the reviews.

use super::{CreateReview, Rating, RejectReview, Review, UpdateReview};
use crate::client::{CallError, Caller, endpoints};
use crate::ids::{ProductId, ReviewId};

/// Speaks to the reviews. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct ReviewsClient {
    caller: Caller,
}

impl ReviewsClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// What the reviews of some products come to, a hundred products at most; in the order in which they were asked for,
    /// also those without a review.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn ratings(&self, products: &[ProductId]) -> Result<Vec<Rating>, CallError> {
        if products.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<String> = products.iter().map(ToString::to_string).collect();
        self.caller.get(&format!("/internal/v1/reviews/ratings?products={}", ids.join(","))).await
    }

    endpoints! {
        /// What the reviews of a product come to, for anybody.
        rating(product: ProductId) -> Rating = GET format!("/api/v1/reviews/ratings/{product}");
        /// The newest reviews of a product that anybody may see, a hundred at most.
        newest(product: ProductId, limit: u32) -> Vec<Review>
            = GET format!("/api/v1/reviews?product={product}&sort=-createdAt&limit={limit}");
        /// Writes a review of a product that the caller has bought: 403 `NOT_A_BUYER` for who has not, 409 `ALREADY_EXISTS`
        /// for the second one.
        create(body: &CreateReview) -> Review = POST "/api/v1/reviews", body;
        /// One review that the caller may see.
        review(id: ReviewId) -> Review = GET format!("/api/v1/reviews/{id}");
        /// The caller's own reviews, the newest first, a hundred at most.
        mine() -> Vec<Review> = GET "/api/v1/reviews/mine?limit=100";
        /// Changes one of the caller's reviews.
        update(id: ReviewId, body: &UpdateReview) -> Review = PATCH format!("/api/v1/reviews/{id}"), body;
        /// Takes one of the caller's reviews back.
        delete(id: ReviewId) -> () = DELETE format!("/api/v1/reviews/{id}");
        /// Lets a review be shown, for a moderator.
        approve(id: ReviewId) -> Review = POST format!("/api/v1/reviews/{id}/approve");
        /// Keeps a review from being shown, for a moderator.
        reject(id: ReviewId, body: &RejectReview) -> Review = POST format!("/api/v1/reviews/{id}/reject"), body;
    }
}

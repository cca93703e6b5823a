//! Writing a review.

use super::App;
use crate::domain::events::{ReviewEvent, ReviewWritten};
use crate::domain::review::Review;
use crate::domain::standing::Standing;
use crate::error::{ReviewsError, ReviewsResult};
use crate::store::{purchase, review};
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::ids::ReviewId;
use contract::reviews::CreateReview;

impl App {
    /// Writes a review of something that who asks has bought.
    ///
    /// # Errors
    /// [`ReviewsError::NotABuyer`], and [`ReviewsError::AlreadyReviewed`] for the second one.
    pub(crate) async fn create(&self, who: &Principal, asked: CreateReview) -> ReviewsResult<(Tx, Review)> {
        let CreateReview { product, rating, title, text } = asked;
        let now = self.clock.now();
        let mut tx = self.db.begin().await?;
        if !purchase::exists(&mut tx, who.user(), product).await? {
            return Err(ReviewsError::NotABuyer);
        }
        let made = Review {
            id: ReviewId::new(),
            product,
            user: who.user(),
            standing: Standing::new(rating, self.first),
            title: title.trim().to_owned(),
            text: text.trim().to_owned(),
            reason: None,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        if !review::insert(&mut tx, &made).await? {
            return Err(ReviewsError::AlreadyReviewed);
        }
        let written = ReviewWritten { review: made.id, product, user: made.user, now: made.standing };
        self.append(&mut tx, &made, ReviewEvent::Written(written)).await?;
        Ok((tx, made))
    }
}

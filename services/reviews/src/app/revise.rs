//! Changing one's review.

use super::App;
use crate::domain::events::{ReviewEvent, ReviewRevised};
use crate::domain::review::Review;
use crate::error::{ReviewsError, ReviewsResult};
use crate::store::review;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::ReviewId;
use contract::reviews::UpdateReview;

impl App {
    /// Changes a review of who asks. Whether it is shown afterwards, [`crate::domain::standing`] says.
    ///
    /// # Errors
    /// [`ReviewsError::NotFound`] also for another's, [`ReviewsError::Precondition`] when the client has seen another version.
    pub(crate) async fn revise(
        &self,
        who: &Principal,
        id: ReviewId,
        change: UpdateReview,
        seen: &IfMatch,
    ) -> ReviewsResult<(Tx, Review)> {
        let mut tx = self.db.begin().await?;
        let old = review::hold_of_author(&mut tx, who.user(), id).await?.ok_or(ReviewsError::NotFound)?;
        seen.check(old.version).map_err(ReviewsError::Precondition)?;
        let UpdateReview { rating, title, text } = change;
        if rating.is_none() && title.is_none() && text.is_none() {
            return Ok((tx, old));
        }
        let new = Review {
            standing: old.standing.revised(rating.unwrap_or(old.standing.rating), self.first),
            title: title.map_or(old.title, |title| title.trim().to_owned()),
            text: text.map_or(old.text, |text| text.trim().to_owned()),
            // A moderator's words were about other ones.
            reason: None,
            version: old.version + 1,
            updated_at: self.clock.now(),
            ..old
        };
        self.keep(&mut tx, &new).await?;
        let (before, now) = (old.standing, new.standing);
        let revised = ReviewRevised { review: id, product: new.product, before, now };
        self.append(&mut tx, &new, ReviewEvent::Revised(revised)).await?;
        Ok((tx, new))
    }

    /// Keeps a review as it is now.
    pub(super) async fn keep(&self, tx: &mut Tx, new: &Review) -> ReviewsResult<()> {
        // The row is held, so it is where it was read.
        if review::replace(tx, new).await? { Ok(()) } else { Err(ReviewsError::NotFound) }
    }
}

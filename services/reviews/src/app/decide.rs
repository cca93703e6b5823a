//! Moderation.

use super::App;
use crate::domain::events::{ReviewDecided, ReviewEvent};
use crate::domain::review::Review;
use crate::domain::standing::Decision;
use crate::error::{ReviewsError, ReviewsResult};
use crate::store::review;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::ReviewId;

impl App {
    /// Decides whether a review is shown. What was decided so before stays as it is.
    ///
    /// # Errors
    /// [`ReviewsError::OwnReview`] for one's own, [`ReviewsError::NotFound`], and [`ReviewsError::Precondition`] when the
    /// moderator has seen another version.
    pub(crate) async fn decide(
        &self,
        who: &Principal,
        id: ReviewId,
        (decision, reason): (Decision, Option<String>),
        seen: &IfMatch,
    ) -> ReviewsResult<(Tx, Review)> {
        let mut tx = self.db.begin().await?;
        let old = review::hold(&mut tx, id).await?.ok_or(ReviewsError::NotFound)?;
        if old.user == who.user() {
            return Err(ReviewsError::OwnReview);
        }
        seen.check(old.version).map_err(ReviewsError::Precondition)?;
        let (before, now) = (old.standing, old.standing.decided(decision));
        if before == now {
            return Ok((tx, old));
        }
        let (version, updated_at) = (old.version + 1, self.clock.now());
        let new = Review { standing: now, reason, version, updated_at, ..old };
        self.keep(&mut tx, &new).await?;
        let decided = ReviewDecided { review: id, product: new.product, by: who.user(), before, now };
        self.append(&mut tx, &new, ReviewEvent::Decided(decided)).await?;
        Ok((tx, new))
    }
}

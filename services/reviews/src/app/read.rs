//! Reading reviews, and what they come to.

use super::App;
use crate::domain::review::{Review, Viewer};
use crate::error::{ReviewsError, ReviewsResult};
use crate::store::review_list::{Filter, SortBy};
use crate::store::{rating, review, review_list};
use chassis::db::DbError;
use chassis::http::Page;
use chassis::identity::Principal;
use contract::identity::Permission;
use contract::ids::{ProductId, ReviewId};
use contract::reviews::{self, ListReviews, Rating, ReviewStatus};

/// As who somebody looks at reviews.
pub(crate) fn viewer(who: Option<&Principal>) -> Viewer {
    match who {
        Some(who) if who.may(Permission::ModerateReviews) => Viewer::Moderator,
        who => Viewer::Anybody(who.map(Principal::user)),
    }
}

impl App {
    /// A review that who asks may see, and its version.
    ///
    /// # Errors
    /// [`ReviewsError::NotFound`] also for one that they may not see.
    pub(crate) async fn review(
        &self,
        who: Option<&Principal>,
        id: ReviewId,
    ) -> ReviewsResult<(reviews::Review, i64)> {
        let found = review::find(&self.db, id).await?.ok_or(ReviewsError::NotFound)?;
        let seen = found.seen_by(viewer(who)).ok_or(ReviewsError::NotFound)?;
        Ok((seen, found.version))
    }

    /// A page of reviews, those that are shown unless a moderator asks for others, and how many there are.
    ///
    /// # Errors
    /// [`ReviewsError::ForModerators`], or [`ReviewsError::Unknown`] for who has not logged in.
    pub(crate) async fn reviews(
        &self,
        who: Option<&Principal>,
        asked: &ListReviews,
        order: (SortBy, bool),
        page: Page,
    ) -> ReviewsResult<(Vec<reviews::Review>, u64)> {
        let viewer = viewer(who);
        let status = asked.status.unwrap_or(ReviewStatus::Approved);
        if status != ReviewStatus::Approved && viewer != Viewer::Moderator {
            return Err(if who.is_some() { ReviewsError::ForModerators } else { ReviewsError::Unknown });
        }
        let filter =
            Filter { status: Some(status), product: asked.product, rating: asked.rating, author: None };
        let (found, total) = review_list::list(&self.db, filter, order, page).await?;
        Ok((found.iter().filter_map(|review| review.seen_by(viewer)).collect(), total))
    }

    /// A page of the reviews of who asks, the newest first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn reviews_of(
        &self,
        who: &Principal,
        product: Option<ProductId>,
        page: Page,
    ) -> ReviewsResult<(Vec<reviews::Review>, u64)> {
        let filter = Filter { author: Some(who.user()), product, ..Filter::default() };
        let (found, total) = review_list::list(&self.db, filter, (SortBy::CreatedAt, true), page).await?;
        Ok((found.iter().map(Review::whole).collect(), total))
    }

    /// What the reviews of these products come to, in their order.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn ratings(&self, products: &[ProductId]) -> Result<Vec<Rating>, DbError> {
        rating::of_products(&self.db, products).await
    }
}

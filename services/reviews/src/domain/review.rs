//! A review as it is kept, and what of it somebody sees.

use super::standing::Standing;
use chassis::clock::Ts;
use contract::ids::{ProductId, ReviewId, UserId};
use contract::reviews::{self, ReviewStatus};

/// A review as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its identifier.
    pub id: ReviewId,
    /// The product.
    pub product: ProductId,
    /// Who wrote it.
    pub user: UserId,
    /// Its stars, and whether they count.
    pub standing: Standing,
    /// One line.
    pub title: String,
    /// The review itself.
    pub text: String,
    /// Why a moderator rejected it.
    pub reason: Option<String>,
    /// The number of changes to it, which is the version of its stream.
    pub version: i64,
    /// When it was written.
    pub created_at: Ts,
    /// When it was last changed.
    pub updated_at: Ts,
}

/// Who looks at a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewer {
    /// Anybody, known or not.
    Anybody(Option<UserId>),
    /// A moderator.
    Moderator,
}

impl Review {
    /// What somebody sees of it; `None` when it is none of their business.
    #[must_use]
    pub fn seen_by(&self, viewer: Viewer) -> Option<reviews::Review> {
        match viewer {
            Viewer::Moderator => Some(self.whole()),
            Viewer::Anybody(Some(user)) if user == self.user => Some(self.whole()),
            Viewer::Anybody(_) if self.standing.status == ReviewStatus::Approved => {
                Some(reviews::Review { user: None, reason: None, ..self.whole() })
            }
            Viewer::Anybody(_) => None,
        }
    }

    /// What its author and a moderator see.
    #[must_use]
    pub fn whole(&self) -> reviews::Review {
        reviews::Review {
            id: self.id,
            product: self.product,
            user: Some(self.user),
            rating: self.standing.rating,
            title: self.title.clone(),
            text: self.text.clone(),
            status: self.standing.status,
            reason: self.reason.clone(),
            created_at: self.created_at.to_datetime(),
            updated_at: self.updated_at.to_datetime(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn review(status: ReviewStatus) -> Review {
        let now = Ts::from_secs(1_700_000_000);
        Review {
            id: ReviewId::new(),
            product: ProductId::new(),
            user: UserId::new(),
            standing: Standing { rating: 5, status },
            title: "Good".to_owned(),
            text: "Very good.".to_owned(),
            reason: Some("names a person".to_owned()),
            version: 1,
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn what_is_not_approved_is_for_its_author_and_moderators() {
        for status in [ReviewStatus::Pending, ReviewStatus::Rejected] {
            let review = review(status);
            assert!(review.seen_by(Viewer::Anybody(None)).is_none());
            assert!(review.seen_by(Viewer::Anybody(Some(UserId::new()))).is_none());
            assert!(review.seen_by(Viewer::Anybody(Some(review.user))).is_some());
            assert!(review.seen_by(Viewer::Moderator).is_some());
        }
    }

    #[test]
    fn strangers_learn_neither_who_wrote_it_nor_what_a_moderator_said() {
        let review = review(ReviewStatus::Approved);
        let seen = review.seen_by(Viewer::Anybody(Some(UserId::new()))).unwrap();
        assert_eq!((seen.user, seen.reason), (None, None));
        assert_eq!(review.seen_by(Viewer::Anybody(Some(review.user))).unwrap().user, Some(review.user));
    }
}

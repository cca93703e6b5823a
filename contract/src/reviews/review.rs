//! A review: what a buyer says about a product.

use crate::auth::valid::{self, prose};
use crate::ids::{ProductId, ReviewId, UserId};
use crate::page::{first_page, usual_limit};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// Where a review stands. Which moves there are is a table of the reviews service.
    ReviewStatus {
        /// Waits for a moderator; only its author and moderators see it.
        Pending = "PENDING",
        /// Shown to everybody, and counted.
        Approved = "APPROVED",
        /// Not shown; only its author and moderators see it.
        Rejected = "REJECTED",
    }
}

/// `POST /api/v1/reviews`: one for each buyer and product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateReview {
    /// The product, which the caller has bought and been brought.
    #[garde(skip)]
    pub product: ProductId,
    /// Stars, 1 to 5.
    #[garde(range(min = 1, max = 5))]
    #[schema(minimum = 1, maximum = 5, example = 5)]
    pub rating: u8,
    /// One line.
    #[garde(length(chars, max = 120), custom(valid::line))]
    #[schema(example = "Keeps the tea warm")]
    pub title: String,
    /// The review itself.
    #[garde(length(chars, max = 5_000), custom(prose))]
    #[schema(example = "Bought it in spring, used it every day since.")]
    pub text: String,
}

/// `PATCH /api/v1/reviews/{id}`. A field that is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateReview {
    /// Stars, 1 to 5.
    #[garde(inner(range(min = 1, max = 5)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// One line.
    #[garde(inner(length(chars, max = 120), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// The review itself.
    #[garde(inner(length(chars, max = 5_000), custom(prose)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// `POST /api/v1/reviews/{id}/reject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RejectReview {
    /// Why, for its author.
    #[garde(length(chars, max = 300), custom(valid::line))]
    pub reason: String,
}

/// A review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Review {
    /// Its identifier.
    pub id: ReviewId,
    /// The product.
    pub product: ProductId,
    /// Who wrote it; only for themselves and for moderators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Stars, 1 to 5.
    pub rating: u8,
    /// One line.
    pub title: String,
    /// The review itself.
    pub text: String,
    /// Where it stands.
    pub status: ReviewStatus,
    /// Why a moderator rejected it; only for its author and for moderators.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was written.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its author or a moderator last changed it.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// The query of `GET /api/v1/reviews`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListReviews {
    /// Only those of this product.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductId>,
    /// Only those with so many stars.
    #[garde(inner(range(min = 1, max = 5)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, maximum = 5)]
    pub rating: Option<u8>,
    /// Only those that stand there; anything but `APPROVED`, which it is when absent, is for moderators.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<ReviewStatus>,
    /// `createdAt` or `rating`, with a leading `-` for descending.
    #[garde(inner(length(max = 50)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// The query of `GET /api/v1/reviews/mine`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MyReviews {
    /// Only the one of this product.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductId>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_have_lines_and_nothing_that_moves_a_cursor() {
        assert!(prose("one\r\n\ttwo\nthree", &()).is_ok());
        for bad in ["", " \n ", "bell \u{7}", "nothing \0", "escape \u{1b}[2J"] {
            assert!(prose(bad, &()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn stars_go_from_one_to_five() {
        let of = |rating| UpdateReview { rating: Some(rating), ..UpdateReview::default() }.validate().is_ok();
        assert!(of(1) && of(5));
        assert!(!of(0) && !of(6));
    }
}

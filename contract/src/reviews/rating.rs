//! What the reviews of a product come to.

use crate::ids::ProductId;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many reviews gave how many stars.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stars {
    /// One star.
    pub one: u64,
    /// Two stars.
    pub two: u64,
    /// Three stars.
    pub three: u64,
    /// Four stars.
    pub four: u64,
    /// Five stars.
    pub five: u64,
}

impl Stars {
    /// How many reviews there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.one
            .saturating_add(self.two)
            .saturating_add(self.three)
            .saturating_add(self.four)
            .saturating_add(self.five)
    }

    /// All stars together.
    const fn sum(&self) -> u64 {
        let low =
            self.one.saturating_add(self.two.saturating_mul(2)).saturating_add(self.three.saturating_mul(3));
        low.saturating_add(self.four.saturating_mul(4)).saturating_add(self.five.saturating_mul(5))
    }

    /// The average with two digits behind the point, rounded half up: `4.67`. `None` without a review.
    #[must_use]
    pub fn average(&self) -> Option<String> {
        let (count, sum) = (u128::from(self.count()), u128::from(self.sum()));
        let hundredths = (sum * 200 + count).checked_div(count * 2)?;
        Some(format!("{}.{:02}", hundredths / 100, hundredths % 100))
    }
}

/// What the reviews of a product come to: those that are shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rating {
    /// The product.
    pub product: ProductId,
    /// How many reviews there are.
    pub count: u64,
    /// The average of 1 to 5 stars with two digits behind the point, as a text; absent without a review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "4.67")]
    pub average: Option<String>,
    /// How many gave how many stars.
    pub stars: Stars,
}

impl Rating {
    /// The rating that these stars are.
    #[must_use]
    pub fn of(product: ProductId, stars: Stars) -> Self {
        Self { product, count: stars.count(), average: stars.average(), stars }
    }
}

/// The query of `GET /internal/v1/reviews/ratings`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RatingsOf {
    /// Identifiers of products with commas between them, a hundred at most.
    #[garde(custom(some_products))]
    pub products: String,
}

impl RatingsOf {
    /// The products.
    #[must_use]
    pub fn ids(&self) -> Vec<ProductId> {
        self.products.split(',').filter_map(|id| id.parse().ok()).collect()
    }
}

fn some_products(value: &str, _: &()) -> garde::Result {
    let ids = || value.split(',');
    if ids().count() > 100 || ids().any(|id| id.parse::<ProductId>().is_err()) {
        return Err(garde::Error::new("1 to 100 identifiers with commas between them"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_average_is_rounded_half_up_and_there_is_none_of_nothing() {
        assert_eq!(Stars::default().average(), None);
        let average = |stars: Stars| stars.average().unwrap();
        assert_eq!(average(Stars { five: 3, ..Stars::default() }), "5.00");
        assert_eq!(average(Stars { four: 1, five: 2, ..Stars::default() }), "4.67");
        assert_eq!(average(Stars { one: 199, two: 1, ..Stars::default() }), "1.01", "1.005 is rounded up");
    }

    #[test]
    fn identifiers_are_read_from_a_list_and_nothing_else_is() {
        let (a, b) = (ProductId::new(), ProductId::new());
        let asked = RatingsOf { products: format!("{a},{b}") };
        assert!(asked.validate().is_ok());
        assert_eq!(asked.ids(), [a, b]);
        for bad in ["", ",", "x", "1,2"] {
            assert!(RatingsOf { products: bad.to_owned() }.validate().is_err(), "{bad}");
        }
        let many = vec![a.to_string(); 101].join(",");
        assert!(RatingsOf { products: many }.validate().is_err());
    }

    proptest! {
        #[test]
        fn an_average_lies_between_one_and_five(
            one in 0_u64..1_000, two in 0_u64..1_000, three in 0_u64..1_000, four in 0_u64..1_000, five in 0_u64..1_000,
        ) {
            let stars = Stars { one, two, three, four, five };
            match stars.average() {
                None => prop_assert_eq!(stars.count(), 0),
                Some(average) => prop_assert!(("1.00".to_owned()..="5.00".to_owned()).contains(&average)),
            }
        }
    }
}

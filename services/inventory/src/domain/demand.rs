//! What a checkout wants: each product once, in the order of their ids, which is the order in which rows are locked.

use super::stock::Stock;
use contract::ids::ProductId;
use contract::inventory::{ReserveLine, Shortage};
use std::collections::BTreeMap;

/// Each product once, with how many of it in all lines together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Demand(BTreeMap<ProductId, u32>);

/// Nothing is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nothing is wanted")]
pub struct NothingWanted;

impl Demand {
    /// Adds up what lines want. A sum that no number holds is as large as can be: there is never enough for it.
    ///
    /// # Errors
    /// When all of it together is nothing.
    pub fn of(lines: &[ReserveLine]) -> Result<Self, NothingWanted> {
        let mut wanted = BTreeMap::new();
        for line in lines.iter().filter(|line| line.quantity > 0) {
            let sum: &mut u32 = wanted.entry(line.product).or_default();
            *sum = sum.saturating_add(line.quantity);
        }
        if wanted.is_empty() { Err(NothingWanted) } else { Ok(Self(wanted)) }
    }

    /// The products, ascending.
    #[must_use]
    pub fn products(&self) -> Vec<ProductId> {
        self.0.keys().copied().collect()
    }

    /// Each product with its sum, ascending.
    #[must_use]
    pub fn lines(&self) -> Vec<ReserveLine> {
        self.0
            .iter()
            .map(|(product, quantity)| ReserveLine { product: *product, quantity: *quantity })
            .collect()
    }

    /// Everything of which there is not enough. A product that is not known, or not sold any more, cannot be had at all.
    #[must_use]
    pub fn shortages(&self, stocks: &BTreeMap<ProductId, Stock>) -> Vec<Shortage> {
        let had = |product| stocks.get(product).filter(|stock| !stock.removed).map_or(0, Stock::available);
        self.0
            .iter()
            .map(|(product, wanted)| Shortage { product: *product, wanted: *wanted, available: had(product) })
            .filter(|shortage| shortage.wanted > shortage.available)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn product(n: u8) -> ProductId {
        ProductId(Uuid::from_u128(u128::from(n)))
    }

    fn line(n: u8, quantity: u32) -> ReserveLine {
        ReserveLine { product: product(n), quantity }
    }

    #[test]
    fn two_lines_of_one_product_are_one_demand() {
        let demand = Demand::of(&[line(2, 3), line(1, 1), line(2, 4)]).unwrap();
        assert_eq!(demand.lines(), [line(1, 1), line(2, 7)]);
    }

    #[test]
    fn nothing_is_no_demand() {
        assert_eq!(Demand::of(&[]), Err(NothingWanted));
        assert_eq!(Demand::of(&[line(1, 0)]), Err(NothingWanted));
    }

    #[test]
    fn each_of_two_lines_would_fit_alone_and_both_do_not() {
        let stocks = BTreeMap::from([(product(1), Stock::holding(product(1), 5, 0))]);
        let demand = Demand::of(&[line(1, 3), line(1, 3)]).unwrap();
        assert_eq!(demand.shortages(&stocks), [Shortage { product: product(1), wanted: 6, available: 5 }]);
    }

    #[test]
    fn what_is_unknown_or_not_sold_any_more_cannot_be_had() {
        let removed = Stock { removed: true, ..Stock::holding(product(1), 5, 0) };
        let stocks = BTreeMap::from([(product(1), removed)]);
        let short: Vec<_> = Demand::of(&[line(1, 1), line(2, 1)]).unwrap().shortages(&stocks);
        assert_eq!(short.iter().map(|s| s.available).collect::<Vec<_>>(), [0, 0]);
    }

    proptest! {
        #[test]
        fn the_order_of_lines_does_not_matter(lines in prop::collection::vec((0_u8..6, 0_u32..u32::MAX), 0..30)) {
            let lines: Vec<_> = lines.into_iter().map(|(n, quantity)| line(n, quantity)).collect();
            let backwards: Vec<_> = lines.iter().rev().copied().collect();
            prop_assert_eq!(Demand::of(&lines), Demand::of(&backwards));
        }
    }
}

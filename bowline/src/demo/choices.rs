//! What a seed decides: what the shop sells, who comes, what they buy and what becomes of it.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use std::ops::RangeInclusive;

/// Choices that a seed repeats.
pub(super) struct Choices(StdRng);

impl Choices {
    /// The choices of one part of a run: each part chooses by itself, so that who is faster changes nothing.
    pub(super) fn new(seed: u64, part: &str) -> Self {
        let mixed = part.bytes().fold(seed, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        Self(StdRng::seed_from_u64(mixed))
    }

    pub(super) fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.random_range(range)
    }

    /// Whether something that happens in so many of a hundred cases happens.
    pub(super) fn percent(&mut self, of_hundred: usize) -> bool {
        self.number(1..=100) <= of_hundred
    }

    /// One of some, which are not none.
    pub(super) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.number(0..=of.len() - 1)]
    }

    /// Some different ones.
    pub(super) fn some<'a, T>(&mut self, of: &'a [T], how_many: usize) -> Vec<&'a T> {
        of.sample(&mut self.0, how_many).collect()
    }

    pub(super) fn plan(&mut self) -> Plan {
        let all: usize = PLANS.iter().map(|(_, weight)| weight).sum();
        let mut chosen = self.number(1..=all);
        for (plan, weight) in PLANS {
            match chosen.checked_sub(weight) {
                Some(0) | None => return plan,
                Some(left) => chosen = left,
            }
        }
        Plan::Buy
    }
}

/// What becomes of a purchase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Plan {
    /// It is paid, and waits to be packed.
    Buy,
    /// It is on its way.
    Ship,
    /// It has come.
    Receive,
    /// It has come, and its buyer says what they think of it.
    Review,
    /// It has come; some of what it cost is given back.
    RefundSome,
    /// It has come; all of what it cost is given back, and the goods with it.
    RefundAll,
    /// It is called off.
    Cancel,
    /// The first card is declined, the second one pays.
    DeclineAndRetry,
    /// The card has too little on it, and that is that.
    Decline,
    /// The bank wants a proof, and gets it.
    Prove,
    /// The provider charges and does not answer in time.
    Timeout,
    /// There is none left of one of the things.
    SoldOut,
}

/// How often each is chosen, of the sum of all.
const PLANS: [(Plan, usize); 12] = [
    (Plan::Buy, 14),
    (Plan::Ship, 10),
    (Plan::Receive, 14),
    (Plan::Review, 16),
    (Plan::RefundSome, 5),
    (Plan::RefundAll, 4),
    (Plan::Cancel, 9),
    (Plan::DeclineAndRetry, 8),
    (Plan::Decline, 5),
    (Plan::Prove, 6),
    (Plan::Timeout, 5),
    (Plan::SoldOut, 4),
];

impl Plan {
    /// The card that is tried first.
    pub(super) const fn card(self) -> &'static str {
        match self {
            Self::DeclineAndRetry => "pm_card_declined",
            Self::Decline => "pm_card_insufficient_funds",
            Self::Prove => "pm_card_authentication_required",
            Self::Timeout => "pm_card_timeout_after_charge",
            _ => "pm_card_visa",
        }
    }

    /// Whether the order is not sold in the end.
    pub(super) const fn fails(self) -> bool {
        matches!(self, Self::Decline | Self::SoldOut)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_choices_part_by_part() {
        let plans = |seed, part| {
            let mut choices = Choices::new(seed, part);
            (0..20).map(|_| choices.plan()).collect::<Vec<_>>()
        };
        assert_eq!(plans(7, "shopper 1"), plans(7, "shopper 1"));
        assert_ne!(plans(7, "shopper 1"), plans(7, "shopper 2"));
        assert_ne!(plans(7, "shopper 1"), plans(8, "shopper 1"));
    }

    #[test]
    fn every_plan_comes_up_about_as_often_as_it_should() {
        let mut choices = Choices::new(1, "all");
        let plans: Vec<_> = (0..10_000).map(|_| choices.plan()).collect();
        for (plan, weight) in PLANS {
            let share = plans.iter().filter(|one| **one == plan).count();
            assert!(
                (weight * 70..=weight * 130).contains(&share),
                "{plan:?}: {share} of 10,000, not {weight} %"
            );
        }
    }
}

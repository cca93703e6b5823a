//! What becomes of the purchases of a demonstration.

use crate::shopping::Choices;

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
    pub(super) fn choose(choices: &mut Choices) -> Self {
        choices.weighted(&PLANS)
    }

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
    fn every_plan_comes_up_about_as_often_as_it_should() {
        let mut choices = Choices::new(1, "all");
        let plans: Vec<_> = (0..10_000).map(|_| Plan::choose(&mut choices)).collect();
        for (plan, weight) in PLANS {
            let share = plans.iter().filter(|one| **one == plan).count();
            assert!(
                (weight * 70..=weight * 130).contains(&share),
                "{plan:?}: {share} of 10,000, not {weight} %"
            );
        }
    }
}

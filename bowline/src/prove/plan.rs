//! What buyers do, as a seed decides it.

use crate::shopping::Choices;
use uuid::Uuid;

/// What a buyer means to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Buy, with this card.
    Buy(&'static str),
    /// Be declined with the first card, and pay with a good one.
    TryAgain(&'static str),
    /// Be asked for a proof, and give it.
    Prove,
    /// Be asked for a proof, and call the order off.
    Abandon,
    /// Call the order off at once, whatever has become of it.
    CallOff,
}

/// How often each is meant, of the sum of all.
const INTENTS: [(Intent, usize); 10] = [
    (Intent::Buy("pm_card_visa"), 42),
    (Intent::Buy("pm_card_timeout_after_charge"), 10),
    (Intent::Buy("pm_card_slow"), 8),
    (Intent::Buy("pm_card_capture_timeout"), 6),
    (Intent::Buy("pm_card_error"), 5),
    (Intent::Buy("pm_card_insufficient_funds"), 5),
    (Intent::TryAgain("pm_card_declined"), 8),
    (Intent::Prove, 4),
    (Intent::Abandon, 3),
    (Intent::CallOff, 9),
];

/// One thing that a buyer does.
#[derive(Debug, Clone)]
pub(super) struct Purchase {
    /// Names it, however often it is sent.
    pub(super) key: Uuid,
    /// Which products, by their place, and how many.
    pub(super) lines: Vec<(usize, usize)>,
    pub(super) intent: Intent,
}

impl Purchase {
    /// What a buyer does next in a shop with so many products.
    pub(super) fn choose(choices: &mut Choices, products: usize) -> Self {
        // Products are drawn with repetition: two lines may share one.
        let line = |choices: &mut Choices| (choices.below(products), choices.number(1..=3));
        let lines = (0..choices.number(1..=3)).map(|_| line(choices)).collect();
        let intent = choices.weighted(&INTENTS);
        Self { key: choices.uuid(), lines, intent }
    }

    /// The card that is tried first.
    pub(super) fn card(&self) -> &'static str {
        match self.intent {
            Intent::Buy(card) | Intent::TryAgain(card) => card,
            Intent::Prove | Intent::Abandon => "pm_card_authentication_required",
            Intent::CallOff => "pm_card_visa",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_intent_comes_up() {
        let mut choices = Choices::new(1, "all");
        let seen: Vec<_> = (0..2_000).map(|_| Purchase::choose(&mut choices, 3).intent).collect();
        for (intent, _) in INTENTS {
            assert!(seen.contains(&intent), "{intent:?}");
        }
    }
}

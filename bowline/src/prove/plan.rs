//! What a seed decides: who buys what with which card, and who is killed when.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use std::time::Duration;
use uuid::{Builder, Uuid};

/// Choices that a seed repeats. What it does not repeat is the machine's own timing.
pub(super) struct Choices(StdRng);

impl Choices {
    /// The choices of one part of a run: another part chooses otherwise with the same seed.
    pub(super) fn new(seed: u64, part: &str) -> Self {
        let part = part.bytes().fold(seed, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        Self(StdRng::seed_from_u64(part))
    }

    /// A number below `limit`, which is above 0.
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0.random_range(0..limit)
    }

    pub(super) fn pause(&mut self, shortest: Duration, longest: Duration) -> Duration {
        self.0.random_range(shortest..=longest)
    }

    pub(super) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }

    /// What a buyer does next.
    pub(super) fn purchase(&mut self, products: usize) -> Purchase {
        let lines = 1 + self.below(3);
        // Products are drawn with repetition: two lines may share one.
        let lines = (0..lines).map(|_| (self.below(products), 1 + self.below(3))).collect();
        let intent = self.0.sample_weighted();
        Purchase { key: self.uuid(), lines, intent }
    }
}

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
const INTENTS: [(Intent, u32); 10] = [
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

trait Weighted {
    fn sample_weighted(&mut self) -> Intent;
}

impl Weighted for StdRng {
    fn sample_weighted(&mut self) -> Intent {
        let chosen = INTENTS.choose_weighted(self, |(_, weight)| *weight);
        chosen.map_or(Intent::Buy("pm_card_visa"), |(intent, _)| *intent)
    }
}

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
    fn a_seed_repeats_its_choices_and_another_part_does_not() {
        let choices = |seed, part| {
            let mut choices = Choices::new(seed, part);
            let purchases: Vec<_> = (0..5).map(|_| choices.purchase(7)).collect();
            format!("{purchases:?}")
        };
        assert_eq!(choices(7, "buyer-1"), choices(7, "buyer-1"));
        assert_ne!(choices(7, "buyer-1"), choices(7, "buyer-2"));
        assert_ne!(choices(7, "buyer-1"), choices(8, "buyer-1"));
    }

    #[test]
    fn every_intent_comes_up() {
        let mut choices = Choices::new(1, "all");
        let seen: Vec<_> = (0..2_000).map(|_| choices.purchase(3).intent).collect();
        for (intent, _) in INTENTS {
            assert!(seen.contains(&intent), "{intent:?}");
        }
    }
}

//! What a seed decides. What it does not decide is the machine's own timing.

use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use std::ops::RangeInclusive;
use std::time::Duration;
use uuid::{Builder, Uuid};

/// Choices that a seed repeats.
pub(crate) struct Choices(StdRng);

impl Choices {
    /// The choices of one part of a run: each part chooses by itself, so that who is faster changes nothing.
    pub(crate) fn new(seed: u64, part: &str) -> Self {
        let mixed = part.bytes().fold(seed, |sum, byte| sum.wrapping_mul(0x0100_0000_01b3) ^ u64::from(byte));
        Self(StdRng::seed_from_u64(mixed))
    }

    pub(crate) fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.random_range(range)
    }

    /// A number below `limit`, which is above 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.number(0..=limit - 1)
    }

    /// Whether something that happens in so many of a hundred cases happens.
    pub(crate) fn percent(&mut self, of_hundred: usize) -> bool {
        self.number(1..=100) <= of_hundred
    }

    /// One of some, which are not none.
    pub(crate) fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    /// Some different ones.
    pub(crate) fn some<'a, T>(&mut self, of: &'a [T], how_many: usize) -> Vec<&'a T> {
        of.sample(&mut self.0, how_many).collect()
    }

    /// One of some, which are not none, each as often as its weight is in the sum of all, which is above 0.
    pub(crate) fn weighted<T: Copy>(&mut self, of: &[(T, usize)]) -> T {
        let all: usize = of.iter().map(|(_, weight)| weight).sum();
        let mut chosen = self.number(1..=all);
        for (one, weight) in of {
            match chosen.checked_sub(*weight) {
                Some(0) | None => return *one,
                Some(left) => chosen = left,
            }
        }
        of[0].0
    }

    pub(crate) fn pause(&mut self, shortest: Duration, longest: Duration) -> Duration {
        self.0.random_range(shortest..=longest)
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        let mut bytes = [0; 16];
        self.0.fill_bytes(&mut bytes);
        Builder::from_random_bytes(bytes).into_uuid()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_choices_part_by_part() {
        let chosen = |seed, part| {
            let mut choices = Choices::new(seed, part);
            (choices.uuid(), choices.number(1..=1_000), choices.pause(Duration::ZERO, Duration::from_secs(9)))
        };
        assert_eq!(chosen(7, "shopper 1"), chosen(7, "shopper 1"));
        assert_ne!(chosen(7, "shopper 1"), chosen(7, "shopper 2"));
        assert_ne!(chosen(7, "shopper 1"), chosen(8, "shopper 1"));
    }

    #[test]
    fn each_comes_up_about_as_often_as_its_weight_says() {
        let mut choices = Choices::new(1, "all");
        let weights = [("often", 60), ("never", 0), ("seldom", 10), ("sometimes", 30)];
        let chosen: Vec<_> = (0..10_000).map(|_| choices.weighted(&weights)).collect();
        for (name, weight) in weights {
            let share = chosen.iter().filter(|one| **one == name).count();
            assert!((weight * 90..=weight * 110).contains(&share), "{name}: {share}, not {weight} %");
        }
    }
}

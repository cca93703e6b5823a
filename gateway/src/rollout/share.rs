//! Shares of requests, and where a request stands among all.
//!
//! Whoever asks stands at one of a million points, by a hash that is the same in every replica and after every start. A share
//! is the points below a threshold, so whoever was in a share stays in it when it grows.

use aws_lc_rs::digest::{Context, SHA256};
use std::sync::atomic::{AtomicU64, Ordering};

const POINTS: u32 = 1_000_000;

/// A part of all requests, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Share(u32);

/// Where something stands among a million.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point(u32);

impl Share {
    pub(crate) const NONE: Self = Self(0);

    /// A percentage with at most four decimals.
    pub(crate) fn of(percent: f64) -> Option<Self> {
        let points = (percent * 10_000.0).round();
        let exact = (points - percent * 10_000.0).abs() < 1e-6;
        if !(0.0..=100.0).contains(&percent) || !exact {
            return None;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between 0 and a million, by the line above"
        )]
        let points = points as u32;
        Some(Self(points))
    }

    /// As millionths, for an atomic.
    pub(crate) fn points(self) -> u32 {
        self.0
    }

    pub(crate) fn of_points(points: u32) -> Self {
        Self(points.min(POINTS))
    }

    pub(crate) fn percent(self) -> f64 {
        f64::from(self.0) / 10_000.0
    }

    /// Whether anybody is in it.
    pub(crate) fn is_some(self) -> bool {
        self.0 > 0
    }

    pub(crate) fn has(self, point: Point) -> bool {
        point.0 < self.0
    }
}

impl Point {
    /// That of somebody, among those of this salt.
    pub(crate) fn of(salt: &[u8], who: &[u8]) -> Self {
        let mut hash = Context::new(&SHA256);
        hash.update(salt);
        hash.update(&[0]);
        hash.update(who);
        let hash = hash.finish();
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_ref()[..8]);
        Self::scaled(u64::from_be_bytes(first))
    }

    /// In which of these it falls; each takes as much of the whole as its weight says.
    pub(crate) fn among(self, weights: &[u32]) -> usize {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        let mut below = 0;
        for (place, weight) in weights.iter().enumerate() {
            below += u64::from(*weight);
            if u64::from(self.0) * total < below * u64::from(POINTS) {
                return place;
            }
        }
        weights.len().saturating_sub(1)
    }

    fn scaled(hash: u64) -> Self {
        let scaled = (u128::from(hash) * u128::from(POINTS)) >> 64;
        Self(u32::try_from(scaled).unwrap_or(POINTS - 1))
    }
}

/// Points one after the other that are spread as evenly as can be: of any row of requests, each share gets its part.
#[derive(Debug, Default)]
pub(crate) struct Row(AtomicU64);

impl Row {
    pub(crate) fn next(&self) -> Point {
        // Multiples of the golden ratio never cluster (Knuth, The Art of Computer Programming, 6.4).
        let next = self.0.fetch_add(1, Ordering::Relaxed);
        Point::scaled(next.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn share(percent: f64) -> Share {
        Share::of(percent).unwrap()
    }

    #[test]
    fn a_percentage_is_exact_to_four_decimals() {
        for (percent, points) in
            [(0.0, 0), (0.0001, 1), (0.1, 1_000), (5.0, 50_000), (33.3333, 333_333), (100.0, 1_000_000)]
        {
            assert_eq!(share(percent), Share(points));
            assert!((share(percent).percent() - percent).abs() < 1e-9);
        }
        for none in [-0.1, 100.1, 0.000_05, f64::NAN, f64::INFINITY] {
            assert_eq!(Share::of(none), None, "{none}");
        }
    }

    #[test]
    fn the_bounds_are_exact() {
        let five = share(5.0);
        assert!(five.has(Point(49_999)) && !five.has(Point(50_000)));
        assert!(!share(0.0).has(Point(0)) && share(100.0).has(Point(POINTS - 1)));
        assert_eq!(Point::scaled(0), Point(0));
        assert_eq!(Point::scaled(u64::MAX), Point(POINTS - 1));
    }

    #[test]
    fn somebody_stands_where_they_stood_in_the_release_before() {
        assert_eq!(Point::of(b"shop", b"somebody"), Point(8_040));
    }

    #[test]
    fn users_are_spread_evenly() {
        let on = |percent: f64| {
            let who = (0_u32..20_000).map(u32::to_be_bytes);
            who.filter(|who| share(percent).has(Point::of(b"shop", who))).count()
        };
        // Four standard deviations of a binomial distribution.
        for (percent, expected, off) in [(1.0, 200, 57), (5.0, 1_000, 124), (50.0, 10_000, 283)] {
            assert!(on(percent).abs_diff(expected) <= off, "{percent}: {}", on(percent));
        }
    }

    #[test]
    fn of_any_hundred_requests_in_a_row_each_share_gets_its_part() {
        let row = Row::default();
        for round in 0..20 {
            let taken = (0..100).filter(|_| share(10.0).has(row.next())).count();
            assert!((8..=12).contains(&taken), "{round}: {taken}");
        }
    }

    #[test]
    fn weights_share_the_whole() {
        assert_eq!(Point(0).among(&[0, 1, 1]), 1);
        assert_eq!(Point(499_999).among(&[1, 1]), 0);
        assert_eq!(Point(500_000).among(&[1, 1]), 1);
        assert_eq!(Point(999_999).among(&[1, 1, 0]), 1);
    }

    proptest! {
        #[test]
        fn whoever_is_in_a_share_stays_when_it_grows(who: Vec<u8>, less in 0_u32..=1_000_000, more in 0_u32..=1_000_000) {
            let (less, more) = (less.min(more), less.max(more));
            let point = Point::of(b"shop", &who);
            prop_assert!(!Share(less).has(point) || Share(more).has(point));
        }

        #[test]
        fn every_point_is_somebodys(point in 0_u32..1_000_000, weights in prop::collection::vec(0_u32..1_000_000, 1..16)) {
            prop_assume!(weights.iter().any(|weight| *weight > 0));
            prop_assert!(weights[Point(point).among(&weights)] > 0);
        }
    }
}

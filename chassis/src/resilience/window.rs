//! What happened in the last ten seconds, counted in ten buckets of a second.
//!
//! What must hold: the window slides with the time, not with the calls; a count costs the same whatever was counted before.

use std::time::Duration;

/// How many buckets there are, each of them a second long.
const BUCKETS: usize = 10;

/// How far back the counts go: this long, less the part of the current second that has not come yet.
pub(super) const SPAN: Duration = Duration::from_secs(BUCKETS as u64);

/// `N` counts over the last ten seconds.
#[derive(Debug)]
pub(super) struct Window<const N: usize> {
    buckets: [[u32; N]; BUCKETS],
    totals: [u32; N],
    /// The second that the newest bucket counts.
    second: u64,
}

impl<const N: usize> Window<N> {
    pub(super) const fn new() -> Self {
        Self { buckets: [[0; N]; BUCKETS], totals: [0; N], second: 0 }
    }

    /// Counts, at a time since some beginning, and says what the window holds.
    pub(super) fn add(&mut self, now: Duration, counts: [u32; N]) -> [u32; N] {
        self.slide(now.as_secs());
        let bucket = &mut self.buckets[place(self.second)];
        for ((bucket, total), count) in bucket.iter_mut().zip(&mut self.totals).zip(counts) {
            // Not beyond what the totals can hold, so that sliding takes off what was put on.
            let count = count.min(u32::MAX - *total);
            *bucket += count;
            *total += count;
        }
        self.totals
    }

    pub(super) fn totals(&mut self, now: Duration) -> [u32; N] {
        self.slide(now.as_secs());
        self.totals
    }

    /// Drops what is too old. A time before the newest bucket (of a thread that was held up) counts as now.
    fn slide(&mut self, second: u64) {
        let passed = second.saturating_sub(self.second);
        if passed == 0 {
            return;
        }
        for gone in (self.second + 1..=second).rev().take(BUCKETS) {
            let bucket = std::mem::replace(&mut self.buckets[place(gone)], [0; N]);
            for (total, count) in self.totals.iter_mut().zip(bucket) {
                *total -= count;
            }
        }
        self.second = second;
    }
}

const fn place(second: u64) -> usize {
    (second % BUCKETS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    #[test]
    fn what_is_ten_seconds_old_no_longer_counts() {
        let mut window = Window::new();
        window.add(at(0), [1]);
        window.add(at(5), [1]);
        assert_eq!(window.totals(at(9)), [2]);
        assert_eq!(window.totals(at(10)), [1]);
        assert_eq!(window.totals(at(15)), [0]);
    }

    #[test]
    fn a_long_silence_forgets_everything() {
        let mut window = Window::new();
        for second in 0..30 {
            window.add(at(second), [1, 2]);
        }
        assert_eq!(window.totals(at(29)), [10, 20]);
        assert_eq!(window.totals(at(1_000_003)), [0, 0]);
    }

    proptest! {
        #[test]
        fn it_holds_what_a_list_of_everything_says(steps in prop::collection::vec((0_u64..14, 0_u32..5), 1..200)) {
            let mut window = Window::new();
            let (mut now, mut all) = (0, Vec::new());
            for (pause, count) in steps {
                now += pause;
                all.push((now, count));
                let kept: u32 = all.iter().filter(|(when, _)| now - when < 10).map(|(_, count)| count).sum();
                prop_assert_eq!(window.add(at(now), [count]), [kept]);
            }
        }
    }
}

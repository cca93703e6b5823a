//! A todo's place among the others of its owner, as bytes that are compared from the left.
//!
//! Between any two places there is another one, so a move changes one row. A place behind all others, or before them, is a step
//! away and stays short; one between two others grows by a byte after eight moves into the same gap. Where one grows longer than
//! [`LONGEST`] all places of the owner are given anew, in their order.
//!
//! What must hold: a place is not empty and does not end with a zero, else there would be none before it.

/// Bytes of a place at most.
pub const LONGEST: usize = 200;

/// Bytes of a place that is no gap's.
const WIDTH: usize = 5;
/// Above all numbers of [`WIDTH`] bytes.
const END: u64 = 1 << (8 * WIDTH);
/// Between two places of which one was given behind the other: eight million of them fit on either side of the first.
const STEP: u64 = 1 << 16;

/// A place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank(Vec<u8>);

impl Rank {
    /// The first place that anybody has.
    #[must_use]
    pub fn first() -> Self {
        Self::of_number(END / 2)
    }

    /// Reads what a store kept; `None` for what is no place.
    #[must_use]
    pub fn of_bytes(bytes: Vec<u8>) -> Option<Self> {
        bytes.last().is_some_and(|last| *last != 0).then_some(Self(bytes))
    }

    /// For a store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether it is longer than a place should be.
    #[must_use]
    pub fn is_long(&self) -> bool {
        self.0.len() > LONGEST
    }

    /// A place behind this one.
    #[must_use]
    pub fn after(&self) -> Self {
        match self.number().checked_add(STEP).filter(|number| *number < END) {
            Some(number) => Self::of_number(number),
            None => Self(middle(&self.0, None)),
        }
    }

    /// A place before this one.
    #[must_use]
    pub fn before(&self) -> Self {
        match self.number().checked_sub(STEP).filter(|number| *number > 0) {
            Some(number) => Self::of_number(number),
            None => Self(middle(&[], Some(&self.0))),
        }
    }

    /// A place between two; `self` is the lower one.
    #[must_use]
    pub fn between(&self, above: &Self) -> Self {
        Self(middle(&self.0, Some(&above.0)))
    }

    /// Its first bytes as a number.
    fn number(&self) -> u64 {
        let byte = |place| u64::from(self.0.get(place).copied().unwrap_or_default());
        (0..WIDTH).fold(0, |number, place| (number << 8) | byte(place))
    }

    fn of_number(number: u64) -> Self {
        let mut bytes = number.to_be_bytes()[8 - WIDTH..].to_vec();
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        Self(bytes)
    }
}

/// Bytes above `low` and below `high`; no `low` byte counts as zero, no `high` is above everything.
fn middle(low: &[u8], mut high: Option<&[u8]>) -> Vec<u8> {
    let mut found = Vec::with_capacity(low.len() + 1);
    loop {
        let place = found.len();
        let from = u16::from(low.get(place).copied().unwrap_or_default());
        let to = high.map_or(256, |high| u16::from(high.get(place).copied().unwrap_or_default()));
        let between = u16::midpoint(from, to.max(from));
        // Both are bytes, or between two that are.
        let byte = |value: u16| u8::try_from(value).unwrap_or(u8::MAX);
        if between > from {
            found.push(byte(between));
            return found;
        }
        if to > from {
            // What begins with the lower byte is below `high` whatever follows.
            high = None;
        }
        found.push(byte(from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn many_behind_one_another_stay_short() {
        let mut last = Rank::first();
        for _ in 0..100_000 {
            let next = last.after();
            assert!(next > last && next.as_bytes().len() <= WIDTH);
            last = next;
        }
    }

    #[test]
    fn at_either_end_there_is_still_a_place() {
        let (mut last, mut first) = (Rank::of_number(END - 1), Rank::of_number(1));
        for _ in 0..100 {
            let (after, before) = (last.after(), first.before());
            assert!(after > last && before < first);
            (last, first) = (after, before);
        }
    }

    #[test]
    fn a_gap_takes_many_hundred_moves() {
        let low = Rank::first();
        let mut high = low.after();
        let mut moves = 0;
        while !high.is_long() {
            high = low.between(&high);
            moves += 1;
        }
        assert!(moves > 1_500, "{moves}");
    }

    #[test]
    fn what_is_no_place_is_not_read() {
        assert_eq!(Rank::of_bytes(Vec::new()), None);
        assert_eq!(Rank::of_bytes(vec![1, 0]), None);
        assert!(Rank::of_bytes(vec![0, 1]).is_some());
    }

    fn ranks() -> impl Strategy<Value = Rank> {
        (proptest::collection::vec(any::<u8>(), 0..12), 1_u8..).prop_map(|(mut bytes, last)| {
            bytes.push(last);
            Rank(bytes)
        })
    }

    proptest! {
        #[test]
        fn between_any_two_places_is_another(one in ranks(), other in ranks()) {
            prop_assume!(one != other);
            let (low, high) = if one < other { (one, other) } else { (other, one) };
            let middle = low.between(&high);
            prop_assert!(low < middle && middle < high, "{low:?} {middle:?} {high:?}");
            prop_assert!(Rank::of_bytes(middle.as_bytes().to_vec()).is_some());
        }

        #[test]
        fn before_and_after_every_place_is_another(rank in ranks()) {
            let (before, after) = (rank.before(), rank.after());
            prop_assert!(before < rank && rank < after, "{before:?} {rank:?} {after:?}");
            for found in [before, after] {
                prop_assert!(Rank::of_bytes(found.as_bytes().to_vec()).is_some());
            }
        }

        /// A list of places does what a list does, whatever is moved where.
        #[test]
        fn places_follow_any_moves(moves in proptest::collection::vec((0_usize..8, 0_usize..8), 1..200)) {
            let mut rank = Rank::first();
            let mut places: Vec<(Rank, usize)> = Vec::new();
            let mut model: Vec<usize> = (0..8).collect();
            for name in 0..8 {
                places.push((rank.clone(), name));
                rank = rank.after();
            }
            for (what, to) in moves {
                let moved = model.remove(what);
                model.insert(to.min(model.len()), moved);
                let at = model.iter().position(|name| *name == moved).unwrap();
                places.retain(|(_, name)| *name != moved);
                let low = at.checked_sub(1).map(|below| places[below].0.clone());
                let high = places.get(at).map(|(rank, _)| rank.clone());
                let rank = match (low, high) {
                    (Some(low), Some(high)) => low.between(&high),
                    (Some(low), None) => low.after(),
                    (None, Some(high)) => high.before(),
                    (None, None) => Rank::first(),
                };
                places.push((rank, moved));
                places.sort();
                let names: Vec<usize> = places.iter().map(|(_, name)| *name).collect();
                prop_assert_eq!(&names, &model);
            }
        }
    }
}

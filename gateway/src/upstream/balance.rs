//! Which instance the next attempt goes to.
//!
//! Each rule proposes; whether the instance can take the request now is the same question for all of them: it is well, it has
//! room, the request was not there already. One that gets less than its share is passed over with that probability.
//!
//! What must hold: an instance that can take the request is found when there is one. A consistent hash moves the keys of
//! an instance that goes, and to one that comes, and no others.

use super::hash::{mix, share};
use super::instance::Instance;
use super::spec::Balance;
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::time::Instant;

/// How often two are drawn before all are looked at.
const DRAWS: usize = 4;

/// The instances of an upstream as they are known now, and the rule by which one is chosen.
pub(super) struct Table {
    pub(super) list: Vec<Place>,
    pub(super) rule: Balance,
    /// More requests than these an instance does not get at once; 0 sets no limit.
    room: u32,
    /// For the rules that go round: whose turn comes after whose.
    round: Vec<u32>,
    turn: AtomicUsize,
}

/// An instance and how much it is to do beside others.
#[derive(Clone)]
pub(super) struct Place {
    pub(super) instance: Arc<Instance>,
    pub(super) weight: u32,
}

/// What is asked for.
pub(super) struct Want<'a> {
    pub(super) now: Instant,
    pub(super) key: Option<u64>,
    /// The instance that a cookie names.
    pub(super) sticky: Option<u64>,
    /// Those that this request has been at.
    pub(super) tried: &'a [Arc<Instance>],
    /// Nothing is sent, so it is nobody's turn.
    pub(super) only_looks: bool,
}

/// Why an instance was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Why {
    Only,
    Sticky,
    Rule,
    /// The rule's proposals could not take it.
    Remains,
}

impl Table {
    pub(super) fn new(list: Vec<Place>, rule: Balance, room: u32) -> Self {
        let round = match rule {
            Balance::Weighted => round(&list),
            _ => (0..).take(list.len()).collect(),
        };
        Self { list, rule, room, round, turn: AtomicUsize::new(0) }
    }

    /// The instance for the next attempt; none when none can take it.
    pub(super) fn pick(&self, want: &Want<'_>) -> Option<(&Arc<Instance>, Why)> {
        if let [only] = &*self.list {
            return self.fits(only, want.now).then_some((&only.instance, Why::Only));
        }
        if let Some(token) = want.sticky
            && let Some(place) = self.list.iter().find(|place| place.instance.token == token)
            && self.fits_anew(place, want)
        {
            return Some((&place.instance, Why::Sticky));
        }
        let by_rule = match self.rule {
            Balance::RoundRobin | Balance::Weighted => self.next_turn(want),
            Balance::LeastConnections => self.least(want),
            Balance::TwoChoices => self.cheaper(want),
            Balance::ConsistentHash => match want.key {
                Some(key) => self.hashed(key, want),
                None => self.cheaper(want),
            },
        };
        let found = by_rule.map(|place| (place, Why::Rule)).or_else(|| Some((self.any(want)?, Why::Remains)));
        found.map(|(place, why)| (&place.instance, why))
    }

    /// Whether there is an instance that could take a request that has not been there.
    pub(super) fn has_other(&self, want: &Want<'_>) -> bool {
        self.list.iter().any(|place| self.fits_anew(place, want))
    }

    fn fits(&self, place: &Place, now: Instant) -> bool {
        let instance = &place.instance;
        instance.condition.is_usable(now) && (self.room == 0 || instance.in_flight() < self.room)
    }

    fn fits_anew(&self, place: &Place, want: &Want<'_>) -> bool {
        self.fits(place, want.now) && !want.tried.iter().any(|tried| Arc::ptr_eq(tried, &place.instance))
    }

    /// Whether it takes this one although it gets less than its share.
    fn is_warm_enough(place: &Place, want: &Want<'_>) -> bool {
        let warmth = place.instance.condition.warmth(want.now);
        warmth >= 1.0 || share(random()) <= warmth
    }

    fn next_turn(&self, want: &Want<'_>) -> Option<&Place> {
        (0..self.list.len().saturating_mul(2)).find_map(|number| {
            let turn = match want.only_looks {
                true => self.turn.load(Relaxed).wrapping_add(number),
                false => self.turn.fetch_add(1, Relaxed),
            };
            let place = self.list.get(*self.round.get(turn % self.round.len().max(1))? as usize)?;
            (self.fits_anew(place, want) && Self::is_warm_enough(place, want)).then_some(place)
        })
    }

    fn least(&self, want: &Want<'_>) -> Option<&Place> {
        let load = |place: &Place| f64::from(place.instance.in_flight() + 1) / f64::from(place.weight);
        let fitting = self.list.iter().filter(|place| self.fits_anew(place, want));
        lowest(fitting.filter(|place| Self::is_warm_enough(place, want)), load)
    }

    fn cheaper(&self, want: &Want<'_>) -> Option<&Place> {
        let draw = || {
            let (one, other) = two_of(self.list.len());
            let fits = |place: &&Place| self.fits_anew(place, want) && Self::is_warm_enough(place, want);
            match (self.list.get(one).filter(fits), self.list.get(other).filter(fits)) {
                (Some(one), Some(other)) if other.cost(want.now) < one.cost(want.now) => Some(other),
                (Some(one), _) => Some(one),
                (None, other) => other,
            }
        };
        (0..DRAWS).find_map(|_| draw())
    }

    /// Rendezvous: of all instances the one whose own number for this key is the greatest.
    fn hashed(&self, key: u64, want: &Want<'_>) -> Option<&Place> {
        let mut best: Option<(&Place, f64)> = None;
        for place in self.list.iter().filter(|place| self.fits_anew(place, want)) {
            let number = mix(key ^ place.instance.token);
            let warmth = place.instance.condition.warmth(want.now);
            // Which keys it has already is settled by the key, so that each moves once.
            if warmth < 1.0 && share(mix(number)) > warmth {
                continue;
            }
            let score = -f64::from(place.weight) / share(number).ln().min(-f64::MIN_POSITIVE);
            if best.is_none_or(|(_, highest)| score > highest) {
                best = Some((place, score));
            }
        }
        best.map(|(place, _)| place)
    }

    /// Whoever can take it, first of all one where it has not been.
    fn any(&self, want: &Want<'_>) -> Option<&Place> {
        let anew = lowest(self.list.iter().filter(|place| self.fits_anew(place, want)), |place| {
            place.cost(want.now)
        });
        anew.or_else(|| {
            lowest(self.list.iter().filter(|place| self.fits(place, want.now)), |place| place.cost(want.now))
        })
    }
}

/// The one on which it is lowest; of equals, one that is drawn.
fn lowest<'a>(among: impl Iterator<Item = &'a Place>, of: impl Fn(&Place) -> f64) -> Option<&'a Place> {
    let drawn = among.map(|place| (of(place), random(), place));
    let lowest = drawn.min_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    lowest.map(|(_, _, place)| place)
}

impl Place {
    fn cost(&self, now: Instant) -> f64 {
        self.instance.cost(now) / f64::from(self.weight)
    }
}

/// Whose turn comes after whose: each as often as its weight says, and as evenly as that can be.
fn round(list: &[Place]) -> Vec<u32> {
    let gcd = list.iter().fold(0, |gcd, place| greatest_common_divisor(gcd, place.weight)).max(1);
    let weights: Vec<i64> = list.iter().map(|place| i64::from(place.weight / gcd)).collect();
    let total: i64 = weights.iter().sum();
    let mut credit = vec![0_i64; weights.len()];
    let mut turns = Vec::new();
    for _ in 0..total {
        for (credit, weight) in credit.iter_mut().zip(&weights) {
            *credit += weight;
        }
        let next =
            credit.iter().enumerate().max_by_key(|(place, credit)| (**credit, std::cmp::Reverse(*place)));
        let Some(next) = next.map(|(place, _)| place) else { break };
        credit[next] -= total;
        turns.push(u32::try_from(next).unwrap_or(0));
    }
    turns
}

const fn greatest_common_divisor(mut one: u32, mut other: u32) -> u32 {
    while other != 0 {
        (one, other) = (other, one % other);
    }
    one
}

/// Two different places below `length`, or the only one twice.
fn two_of(length: usize) -> (usize, usize) {
    if length < 2 {
        return (0, 0);
    }
    let random = random();
    let first = below(random >> 32, length);
    let second = (first + 1 + below(random & 0xFFFF_FFFF, length - 1)) % length;
    (first, second)
}

/// The remainder is below a length, so it is one.
fn below(number: u64, bound: usize) -> usize {
    usize::try_from(number % bound as u64).unwrap_or(0)
}

/// A number that nobody has to be unable to guess (xorshift64*).
fn random() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0_u8) | 1);
    }
    let mut state = STATE.get();
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    STATE.set(state);
    state.wrapping_mul(0x2545_F491_4F6C_DD1D)
}

#[cfg(test)]
#[path = "balance_tests.rs"]
mod tests;

//! Which instance the next attempt goes to.

use super::instance::Instance;
use super::spec::Balance;
use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// The instances of an upstream as they are known now, and the rule by which one is chosen.
pub(super) struct Table {
    pub(super) list: Vec<Arc<Instance>>,
    rule: Balance,
    turn: AtomicUsize,
}

impl Table {
    pub(super) fn new(list: Vec<Arc<Instance>>, rule: Balance) -> Self {
        Self { list, rule, turn: AtomicUsize::new(0) }
    }

    /// The instance for the next attempt: not one of those that were tried while there is another.
    pub(super) fn pick(&self, tried: &[Arc<Instance>]) -> Option<&Arc<Instance>> {
        if let [only] = &*self.list {
            return Some(only);
        }
        if !tried.is_empty() {
            let untried = |one: &&Arc<Instance>| !tried.iter().any(|tried| Arc::ptr_eq(tried, one));
            let rest: Vec<&Arc<Instance>> = self.list.iter().filter(untried).collect();
            if !rest.is_empty() {
                return self.choose(rest.len(), |place| rest.get(place).copied());
            }
        }
        self.choose(self.list.len(), |place| self.list.get(place))
    }

    fn choose<'a>(
        &self,
        length: usize,
        at: impl Fn(usize) -> Option<&'a Arc<Instance>>,
    ) -> Option<&'a Arc<Instance>> {
        match self.rule {
            Balance::RoundRobin => at(self.turn.fetch_add(1, Relaxed) % length.max(1)),
            Balance::TwoChoices => {
                let (one, other) = two_of(length);
                let (one, other) = (at(one)?, at(other)?);
                Some(if other.cost() < one.cost() { other } else { one })
            }
        }
    }
}

/// Two different places below `length`, or the only one twice.
fn two_of(length: usize) -> (usize, usize) {
    if length < 2 {
        return (0, 0);
    }
    let random = random();
    // The remainder is below a length, so it is one.
    let below = |number: u64, bound: usize| usize::try_from(number % bound as u64).unwrap_or(0);
    let first = below(random >> 32, length);
    let second = (first + 1 + below(random & 0xFFFF_FFFF, length - 1)) % length;
    (first, second)
}

/// A number that nobody has to be unable to guess (xorshift64*).
pub(super) fn random() -> u64 {
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

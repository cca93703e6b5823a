//! The windows of limits in the process: one number each, under a keyed hash of its name.
//!
//! A decision takes no memory and touches one entry of sixteen bytes a limit. The key of the hash is drawn when the process
//! starts, so nobody can make up a name that shares the window of somebody else; that two of a hundred thousand share one by
//! chance is less likely than one in a billion, and is then stricter than the limit, never looser.
//!
//! What must hold: there are no more windows than there may be. One for which there is no room is counted together with all
//! others like it.

use super::limit::{DecidedBy, Decisions, Limit, allows, decide};
use crate::clock::Clock;
use metrics::counter;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};

/// Fewer windows are not looked through for those that are over.
const FEW: usize = 1_024;
/// How long after they were looked through in vain they are not looked through again, in microseconds.
const REST: i64 = 100_000;

#[derive(Debug)]
pub(super) struct Windows {
    names: RandomState,
    table: Mutex<Table>,
    most: usize,
    clock: Clock,
}

#[derive(Debug)]
struct Table {
    /// Until when each window is used up, in microseconds.
    until: HashMap<u64, i64, BuildHasherDefault<Hashed>>,
    /// With so many they are looked through.
    crowded: usize,
    /// When they were last, in microseconds.
    looked_through: Option<i64>,
}

/// The hash of a number that is one.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        // Keys are written by `write_u64`; whatever else came would still be told apart.
        bytes.iter().for_each(|byte| self.0 = self.0.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

impl Windows {
    pub(super) fn new(most: usize, clock: Clock) -> Self {
        let table = Table { until: HashMap::default(), crowded: FEW.min(most), looked_through: None };
        Self { names: RandomState::new(), table: Mutex::new(table), most, clock }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.lock().unwrap_or_else(PoisonError::into_inner).until.len()
    }

    /// Decides limits, each of a subject; `place` tells the subjects of one service from those of another.
    pub(super) fn decide(&self, place: &str, asked: &[(&str, &Limit)], by: DecidedBy) -> Decisions {
        let named = |(subject, limit): &(&str, &Limit)| self.names.hash_one((place, subject, limit.name()));
        let mut windows: SmallVec<[u64; 8]> = asked.iter().map(named).collect();
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: calls that follow each other see times that do.
        let now = self.clock.now().micros();
        table.make_room(asked.len(), self.most, now);
        let has_room = table.until.len() + asked.len() <= self.most;
        if !has_room {
            for (window, (_, limit)) in windows.iter_mut().zip(asked) {
                if table.until.get(window).is_none_or(|until| *until <= now) {
                    counter!("state_full_total", "what" => "limits").increment(1);
                    *window = self.names.hash_one(("everybody", limit.interval(), limit.capacity()));
                }
            }
        }
        let ahead = |(window, (_, limit)): (&u64, &(&str, &Limit))| {
            table.until.get(window).map_or(0, |until| limit.ahead(*until, now))
        };
        let ahead: SmallVec<[i64; 8]> = windows.iter().zip(asked).map(ahead).collect();
        if allows(asked, &ahead) {
            for ((window, (_, limit)), ahead) in windows.iter().zip(asked).zip(&ahead) {
                let until = now + ahead + limit.advance();
                if until > now {
                    table.until.insert(*window, until);
                }
            }
        }
        drop(table);
        decide(asked, &ahead, by)
    }
}

impl Table {
    /// Removes the windows that are over, when there are many or no room for these.
    fn make_room(&mut self, more: usize, most: usize, now: i64) {
        let wanted = self.until.len() + more;
        // A clock that went back has nobody rest for longer.
        let rests = || self.looked_through.is_some_and(|then| (then..then + REST).contains(&now));
        if wanted <= self.crowded || (wanted > most && rests()) {
            return;
        }
        self.until.retain(|_, until| *until > now);
        // Half of them have come since, when it is done the next time: that pays for it.
        self.crowded = (self.until.len() * 2).clamp(FEW.min(most), most);
        self.looked_through = Some(now);
    }
}

//! State in the process: one lock around values and leases, and one around the windows of limits. Every operation is a few
//! map accesses, so nobody waits long.
//!
//! What must hold: memory is bounded. When there is no room, values that expire first make room, a lease is refused, and
//! a limit for which there is no room for a window of its own is counted together with all others like it: that is
//! stricter than the limit, never looser.

use super::table::Table;
use super::windows::Windows;
use super::{StateConfig, StateError};
use crate::clock::{Clock, Ts};
use bytes::Bytes;
use metrics::counter;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use uuid::Uuid;

#[derive(Debug)]
pub(super) struct Local {
    tables: Mutex<Tables>,
    pub(super) windows: Windows,
    max_entries: usize,
    max_bytes: usize,
    clock: Clock,
}

#[derive(Debug, Default)]
struct Tables {
    values: Table<Bytes>,
    /// Owners.
    leases: Table<Uuid>,
    last_fence: i64,
}

impl Local {
    pub(super) fn new(config: &StateConfig, clock: Clock) -> Self {
        let (max_entries, max_bytes) = (config.max_entries, config.max_bytes);
        let windows = Windows::new(max_entries, clock.clone());
        Self { tables: Mutex::default(), windows, max_entries, max_bytes, clock }
    }

    fn tables(&self) -> (MutexGuard<'_, Tables>, Ts) {
        let tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: calls that follow each other see times that do.
        let now = self.clock.now();
        (tables, now)
    }

    pub(super) fn get(&self, name: &str) -> Option<Bytes> {
        let (tables, now) = self.tables();
        tables.values.get(name, now).cloned()
    }

    pub(super) fn put(&self, name: &str, value: Bytes, ttl: Duration) {
        let (mut tables, now) = self.tables();
        self.put_at(&mut tables.values, name, value, now, ttl);
    }

    pub(super) fn put_if_absent(&self, name: &str, value: Bytes, ttl: Duration) -> bool {
        let (mut tables, now) = self.tables();
        let absent = tables.values.get(name, now).is_none();
        if absent {
            self.put_at(&mut tables.values, name, value, now, ttl);
        }
        absent
    }

    pub(super) fn replace_if(&self, name: &str, expected: &[u8], value: Bytes, ttl: Duration) -> bool {
        let (mut tables, now) = self.tables();
        let holds = tables.values.get(name, now).is_some_and(|current| current == expected);
        if holds {
            self.put_at(&mut tables.values, name, value, now, ttl);
        }
        holds
    }

    pub(super) fn remove_if(&self, name: &str, expected: &[u8]) -> bool {
        let (mut tables, now) = self.tables();
        let holds = tables.values.get(name, now).is_some_and(|current| current == expected);
        if holds {
            tables.values.remove(name);
        }
        holds
    }

    pub(super) fn remove(&self, name: &str) -> bool {
        let (mut tables, now) = self.tables();
        let there = tables.values.get(name, now).is_some();
        tables.values.remove(name);
        there
    }

    fn put_at(&self, values: &mut Table<Bytes>, name: &str, value: Bytes, now: Ts, ttl: Duration) {
        values.sweep(now);
        let size = value.len();
        values.put(name, value, size, now + ttl);
        while values.len() > self.max_entries || values.bytes() > self.max_bytes {
            values.remove_first();
            counter!("state_full_total", "what" => "values").increment(1);
        }
    }

    pub(super) fn acquire(&self, name: &str, owner: Uuid, ttl: Duration) -> Result<Option<i64>, StateError> {
        let (mut tables, now) = self.tables();
        tables.leases.sweep(now);
        if tables.leases.get(name, now).is_some() {
            return Ok(None);
        }
        if tables.leases.len() >= self.max_entries {
            counter!("state_full_total", "what" => "leases").increment(1);
            return Err(StateError::Full("leases"));
        }
        tables.last_fence = now.micros().max(tables.last_fence + 1);
        tables.leases.put(name, owner, 0, now + ttl);
        Ok(Some(tables.last_fence))
    }

    pub(super) fn renew(&self, name: &str, owner: Uuid, ttl: Duration) -> bool {
        let (mut tables, now) = self.tables();
        let held = tables.leases.get(name, now) == Some(&owner);
        if held {
            tables.leases.touch(name, now + ttl);
        }
        held
    }

    pub(super) fn release(&self, name: &str, owner: Uuid) -> bool {
        let (mut tables, now) = self.tables();
        let held = tables.leases.get(name, now) == Some(&owner);
        if held {
            tables.leases.remove(name);
        }
        held
    }
}

#[cfg(test)]
#[path = "local_tests.rs"]
mod tests;

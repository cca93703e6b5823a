//! Entries that expire, in bounded memory: a map by name beside an index by the time of expiry.

use crate::clock::Ts;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// How many expired entries one write removes at most, so that none takes long. More than one, so that they never gather.
const SWEPT_AT_ONCE: usize = 64;
/// What an entry weighs besides its name and value: it stands in two collections.
const OVERHEAD: usize = 128;

#[derive(Debug)]
pub(super) struct Table<V> {
    entries: HashMap<Arc<str>, Entry<V>>,
    by_expiry: BTreeSet<(Ts, Arc<str>)>,
    bytes: usize,
}

#[derive(Debug)]
struct Entry<V> {
    value: V,
    expires: Ts,
    bytes: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { entries: HashMap::new(), by_expiry: BTreeSet::new(), bytes: 0 }
    }
}

impl<V> Table<V> {
    /// What stands there and has not expired.
    pub(super) fn get(&self, name: &str, now: Ts) -> Option<&V> {
        self.entries.get(name).filter(|entry| entry.expires > now).map(|entry| &entry.value)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What all entries take, roughly.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts an entry in place of what stood there. `size` is what its value takes beyond its own type.
    pub(super) fn put(&mut self, name: &str, value: V, size: usize, expires: Ts) {
        self.remove(name);
        let name: Arc<str> = name.into();
        let bytes = name.len() + size + size_of::<V>() + OVERHEAD;
        self.bytes += bytes;
        self.by_expiry.insert((expires, Arc::clone(&name)));
        self.entries.insert(name, Entry { value, expires, bytes });
    }

    /// Moves the expiry of an entry.
    pub(super) fn touch(&mut self, name: &str, expires: Ts) {
        let Some((name, _)) = self.entries.get_key_value(name) else { return };
        let name = Arc::clone(name);
        if let Some(entry) = self.entries.get_mut(&name) {
            self.by_expiry.remove(&(entry.expires, Arc::clone(&name)));
            entry.expires = expires;
            self.by_expiry.insert((expires, name));
        }
    }

    pub(super) fn remove(&mut self, name: &str) {
        if let Some((name, entry)) = self.entries.remove_entry(name) {
            self.bytes -= entry.bytes;
            self.by_expiry.remove(&(entry.expires, name));
        }
    }

    /// Removes some of what has expired.
    pub(super) fn sweep(&mut self, now: Ts) {
        for _ in 0..SWEPT_AT_ONCE {
            match self.by_expiry.first() {
                Some((expires, _)) if *expires <= now => self.remove_first(),
                _ => return,
            }
        }
    }

    /// Removes the entry that expires first.
    pub(super) fn remove_first(&mut self) {
        if let Some((_, name)) = self.by_expiry.pop_first()
            && let Some(entry) = self.entries.remove(&name)
        {
            self.bytes -= entry.bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: i64) -> Ts {
        Ts::from_secs(secs)
    }

    #[test]
    fn what_is_removed_in_whatever_way_leaves_nothing_behind() {
        let mut table = Table::default();
        table.put("a", 1, 10, at(1));
        table.put("b", 2, 10, at(2));
        table.put("c", 3, 10, at(3));
        table.put("a", 4, 20, at(4));
        table.touch("b", at(5));
        assert_eq!(
            (table.get("a", at(1)), table.get("b", at(4)), table.get("c", at(3))),
            (Some(&4), Some(&2), None)
        );
        table.sweep(at(3));
        assert_eq!((table.len(), table.by_expiry.len()), (2, 2));
        table.remove("b");
        table.remove("b");
        table.remove_first();
        table.remove_first();
        assert_eq!((table.len(), table.by_expiry.len(), table.bytes()), (0, 0, 0));
    }
}

//! The settings of caches.

use crate::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// Copies that services keep of what they read often.
    pub struct CacheConfig {
        /// Whether anything is kept; without it everything is loaded each time.
        enabled: bool = true;
        /// Whether copies are kept in Redis too, where there is one, for all instances of a service.
        shared: bool = true;
        /// Milliseconds that a copy is good for while this process cannot hear what others change: without Redis, and while
        /// it is away.
        alone_ms: u64 = 1_000;
        /// Milliseconds to wait for a copy from Redis before what it is a copy of is asked instead.
        patience_ms: u64 = 100;
    }
}

impl Validate for CacheConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("alone_ms", self.alone_ms, 0..=60_000);
        problems.range("patience_ms", self.patience_ms, 1..=10_000);
    }
}

impl CacheConfig {
    pub(super) const fn alone(&self) -> Duration {
        Duration::from_millis(self.alone_ms)
    }

    pub(super) const fn patience(&self) -> Duration {
        Duration::from_millis(self.patience_ms)
    }
}

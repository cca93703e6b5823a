//! A lease: the right to do something alone, for a while.

use super::{State, StateError};
use std::time::Duration;
use uuid::Uuid;

/// A lease that was acquired with [`State::acquire`]. It ends when it is released or when its time is over, whichever is
/// first; dropping it leaves it to run out.
///
/// Who holds a lease may be slow, and its time over before it notices. So what it changes elsewhere must carry the
/// [fence](Lease::fence), and whoever is changed refuses a fence lower than one that it has seen.
#[derive(Debug)]
pub struct Lease {
    pub(super) state: State,
    pub(super) name: String,
    pub(super) owner: Uuid,
    pub(super) fence: i64,
}

impl Lease {
    /// A number higher than that of every lease of this name before. Never negative; it has gaps.
    #[must_use]
    pub const fn fence(&self) -> i64 {
        self.fence
    }

    /// Makes it last for `ttl` from now on; false when it has run out, also when nobody else has taken it since.
    ///
    /// # Errors
    /// See [`StateError`]. When Redis is away nobody knows: it lasts at least as long as it was known to last.
    pub async fn renew(&self, ttl: Duration) -> Result<bool, StateError> {
        self.state.renew(&self.name, self.owner, ttl).await
    }

    /// Gives it up, so that another can have it at once; false when it had run out.
    ///
    /// # Errors
    /// See [`StateError`]. When Redis is away it runs out by itself.
    pub async fn release(self) -> Result<bool, StateError> {
        self.state.release(&self.name, self.owner).await
    }
}

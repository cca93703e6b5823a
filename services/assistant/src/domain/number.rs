//! Numbers on their way into a database and out of it: there they have a sign, and none of ours is below zero.

/// As a database has it; what it cannot hold is the largest that it can.
#[must_use]
pub fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// As it came from a database, which holds nothing below zero.
#[must_use]
pub fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

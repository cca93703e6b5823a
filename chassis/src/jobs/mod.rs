//! Periodic and queued work, done by one instance at a time.

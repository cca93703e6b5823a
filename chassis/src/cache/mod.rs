//! Copies of what is costly to get, with a time to live.

//! Identity: accounts, sessions, tokens, organisations, audit.

pub mod domain;
pub mod hasher;

//! One file a command.
#![expect(clippy::print_stdout, reason = "what a command says to a person")]

pub(crate) mod admin;
pub(crate) mod config;
pub(crate) mod keys;
pub(crate) mod mail;
pub(crate) mod migrate;
pub(crate) mod openapi;
pub(crate) mod run;
pub(crate) mod targets;

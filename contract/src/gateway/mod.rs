//! The gateway's own part of the language: the keys of programs.

mod keys;

pub use keys::{ApiKey, ApiKeyWithSecret, CreateApiKey, ListApiKeys, RotateApiKey};

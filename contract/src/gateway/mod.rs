//! The gateway's own part of the language: the keys of programs, and why a request goes where it goes.

mod explain;
mod keys;
mod rollouts;

pub use explain::{ExplainRequest, Explanation, MeantRoute, PassedOver, Verdict};
pub use keys::{ApiKey, ApiKeyWithSecret, CreateApiKey, ListApiKeys, RotateApiKey, SCOPE, is_scope};
pub use rollouts::{Rollout, RolloutState, SideSeen};

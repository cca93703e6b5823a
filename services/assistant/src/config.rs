//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// Conversations with a language model, over the own knowledge and within a budget.
    pub struct AssistantConfig {
    }
}

impl Validate for AssistantConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

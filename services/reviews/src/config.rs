//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// What buyers say about products.
    pub struct ReviewsConfig {
        /// Whether a review is shown only after a moderator has let it through.
        moderate_first: bool = false;
    }
}

impl Validate for ReviewsConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

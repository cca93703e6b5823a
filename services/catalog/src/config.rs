//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// Products, categories, brands, prices, search.
    pub struct CatalogConfig {
        /// Seconds that a copy of a product is given out before the database is asked again.
        cache_secs: u64 = 60;
    }
}

impl Validate for CatalogConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("cache_secs", self.cache_secs, 1..=86_400);
    }
}

//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};

settings! {
    /// What people have to do, each their own.
    pub struct TodosConfig {
    }
}

impl Validate for TodosConfig {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

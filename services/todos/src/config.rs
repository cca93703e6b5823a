//! The settings of the service.

use chassis::config::{Mode, Problems, Validate, settings};
use std::time::Duration;

settings! {
    /// What people have to do, each their own.
    pub struct TodosConfig {
        /// Todos that a person has at most, with those in the bin.
        max_per_user: u32 = 5_000;
        /// Lists that a person has at most.
        max_lists: u32 = 100;
        /// Days after which what is in the bin is removed for good.
        bin_days: u32 = 30;
    }
}

impl Validate for TodosConfig {
    fn validate(&self, _: Mode, problems: &mut Problems) {
        problems.range("max_per_user", self.max_per_user, 1..=100_000);
        problems.range("max_lists", self.max_lists, 1..=1_000);
        problems.range("bin_days", self.bin_days, 1..=3_650);
    }
}

impl TodosConfig {
    pub(crate) fn keep(&self) -> Duration {
        Duration::from_secs(u64::from(self.bin_days) * 86_400)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bin_that_keeps_nothing_is_told_before_anything_starts() {
        let config = TodosConfig { max_per_user: 0, max_lists: 0, bin_days: 0 };
        let mut problems = Problems::new();
        config.validate(Mode::Development, &mut problems);
        let fields: Vec<String> = problems.iter().map(|problem| problem.field.clone()).collect();
        assert_eq!(fields, ["max_per_user", "max_lists", "bin_days"]);
        let mut none = Problems::new();
        TodosConfig::default().validate(Mode::Production, &mut none);
        assert_eq!(none.iter().count(), 0);
    }
}

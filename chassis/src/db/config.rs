//! The settings of the database.

use super::sqlite;
use crate::config::{Mode, Problems, Validate, setting_enum, settings};
use crate::resilience::BreakerConfig;
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

setting_enum! {
    /// How safely a commit is kept on SQLite.
    pub enum Synchronous {
        /// A power cut can lose the last commits; the end of the process, however sudden, cannot.
        Normal = "normal",
        /// Every commit is on the disk before it is answered.
        Full = "full",
    }
}

settings! {
    /// The database of each service.
    pub struct DatabaseConfig {
        /// Where the database is: `postgres://user:password@host/{service}` or `sqlite:PATH`, with `{service}` filled in.
        /// Without it each service has an SQLite file in the data folder.
        url: Option<SecretString> = None, env "DATABASE_URL";
        /// Whether a missing PostgreSQL database is created.
        create: bool = true;
        /// The most connections to PostgreSQL that one service of one process holds; fewer where the server's `max_connections`
        /// are not enough for all services of the process.
        pool_size: u32 = 10;
        /// How long a statement waits for a free connection, in milliseconds.
        acquire_timeout_ms: u64 = 5_000;
        /// How long one attempt to connect at start may take, in milliseconds.
        connect_timeout_ms: u64 = 5_000;
        /// How long one statement may run, in milliseconds.
        statement_timeout_ms: u64 = 10_000;
        /// How long a connection to PostgreSQL is kept unused, in seconds.
        idle_timeout_secs: u64 = 600;
        /// How long the start waits for a PostgreSQL server that is not up yet, in seconds.
        boot_timeout_secs: u64 = 60;
        /// What a commit on SQLite survives: `normal` the end of the process, `full` also a power cut. Production
        /// requires `full`.
        synchronous: Synchronous = Synchronous::Normal;
        /// A statement that runs longer is logged as a warning, in milliseconds.
        slow_statement_ms: u64 = 500;
        /// Percent of calls in ten seconds that must fail before a PostgreSQL server is not called for a while; above 100 never.
        breaker_failure_percent: u32 = 50;
        /// With fewer calls in ten seconds nothing is concluded from failures.
        breaker_minimum_calls: u32 = 10;
        /// Milliseconds that it is not called, before a few calls find out whether it answers again.
        breaker_probe_interval_ms: u64 = 5_000;
    }
}

const HOUR_MS: u64 = 3_600_000;

impl Validate for DatabaseConfig {
    fn validate(&self, mode: Mode, problems: &mut Problems) {
        let place = self.url.as_ref().map(|url| sqlite::path_in(url.expose_secret()));
        if let Some(Err(reason)) = &place {
            problems.add("url", format!("cannot be used: {reason}"));
        }
        let on_sqlite = !matches!(place, Some(Ok(None)));
        if mode.is_production() && on_sqlite && self.synchronous == Synchronous::Normal {
            problems.add(
                "synchronous",
                "must be full in production: normal can lose the last commits at a power cut",
            );
        }
        problems.range("pool_size", self.pool_size, 1..=1_000);
        problems.range("acquire_timeout_ms", self.acquire_timeout_ms, 1..=HOUR_MS);
        problems.range("connect_timeout_ms", self.connect_timeout_ms, 1..=HOUR_MS);
        problems.range("statement_timeout_ms", self.statement_timeout_ms, 1..=HOUR_MS);
        problems.range("slow_statement_ms", self.slow_statement_ms, 1..=HOUR_MS);
        self.breaker().validate(problems);
    }
}

impl DatabaseConfig {
    pub(super) const fn acquire_timeout(&self) -> Duration {
        Duration::from_millis(self.acquire_timeout_ms)
    }

    pub(super) const fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(super) const fn idle_timeout(&self) -> Duration {
        Duration::from_secs(self.idle_timeout_secs)
    }

    pub(super) const fn boot_timeout(&self) -> Duration {
        Duration::from_secs(self.boot_timeout_secs)
    }

    pub(super) const fn statement_timeout(&self) -> Duration {
        Duration::from_millis(self.statement_timeout_ms)
    }

    pub(super) fn breaker(&self) -> BreakerConfig {
        BreakerConfig::from_settings(
            self.breaker_failure_percent,
            self.breaker_minimum_calls,
            self.breaker_probe_interval_ms,
        )
    }

    pub(super) const fn slow_statement(&self) -> Duration {
        Duration::from_millis(self.slow_statement_ms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(config: &DatabaseConfig, mode: Mode) -> Vec<String> {
        let mut problems = Problems::new();
        config.validate(mode, &mut problems);
        problems.iter().map(|problem| problem.field.clone()).collect()
    }

    #[test]
    fn production_on_sqlite_requires_that_a_commit_survives_a_power_cut() {
        let config = DatabaseConfig::default();
        assert!(problems(&config, Mode::Development).is_empty());
        assert_eq!(problems(&config, Mode::Production), ["synchronous"]);
        assert!(
            problems(&DatabaseConfig { synchronous: Synchronous::Full, ..config }, Mode::Production)
                .is_empty()
        );
    }

    #[test]
    fn production_on_postgres_has_no_say_in_what_sqlite_does() {
        let config =
            DatabaseConfig { url: Some("postgres://db/{service}".into()), ..DatabaseConfig::default() };
        assert!(problems(&config, Mode::Production).is_empty());
    }

    #[test]
    fn a_url_of_another_engine_is_refused_before_the_start() {
        let config = DatabaseConfig { url: Some("mysql://db/auth".into()), ..DatabaseConfig::default() };
        assert_eq!(problems(&config, Mode::Development), ["url"]);
    }
}

//! Which log lines are written, changeable while the process runs.
//!
//! What must hold:
//!
//! - A level that nobody asked for costs nothing: the decision is made once a place in the code, not once a line.
//! - Spans of level INFO and above always exist, whatever the log level: they carry the correlation id, and a warning
//!   needs it as much as an information does.
//! - Libraries stay at WARN, or off, unless they are named, and those that print headers cannot be set below INFO at all: their
//!   debug lines hold bearer tokens.

use arc_swap::ArcSwap;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata, callsite};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};

/// Libraries below us, by the beginning of their targets; they are not what a person looks for in the log of a service.
const LIBRARIES: [&str; 12] = [
    "async_nats",
    "h2",
    "hyper",
    "lettre",
    "opentelemetry",
    "rdkafka",
    "redis",
    "reqwest",
    "rustls",
    "sqlx",
    "tokio",
    "tower",
];
/// Libraries whose debug lines hold headers or credentials.
const TALKATIVE: [&str; 4] = ["h2", "hyper", "lettre", "tower_http"];

/// Libraries that log every attempt to reach a server that is away, at the rate of requests. Whoever calls them says so once.
const SILENT: [&str; 1] = ["redis"];

/// Whether a target belongs to a library below us.
pub(super) fn is_library(target: &str) -> bool {
    LIBRARIES.iter().any(|library| target.starts_with(library))
}

/// A log level, or several: `info`, or `info,auth::store=debug,sqlx=debug`.
///
/// A comma separates directives; a directive is a level for everything, or `target=level` for the modules whose path
/// begins with `target`. The levels are `off`, `error`, `warn`, `info`, `debug` and `trace`.
#[derive(Debug, Clone)]
pub struct Directives {
    text: String,
    targets: Targets,
    most: LevelFilter,
}

/// Why a text is not a log level. Never repeats the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// A directive is not `level` or `target=level`.
    #[error(
        "directive {0} must be one of off, error, warn, info, debug, trace, or `target=level` with one of them"
    )]
    NotALevel(usize),
    /// A second level for everything, or for the same target.
    #[error("directive {0} sets a level a second time")]
    Twice(usize),
    /// A library that would print headers, and with them tokens.
    #[error("directive {0} must be info or less: below that, {1} prints headers, and with them tokens")]
    Talkative(usize, &'static str),
}

impl FromStr for Directives {
    type Err = LevelError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut default = None;
        let mut named: Vec<(&str, LevelFilter)> = Vec::new();
        for (directive, number) in text.split(',').map(str::trim).zip(1..) {
            let (target, level) = match directive.rsplit_once('=') {
                Some((target, level)) => (Some(target.trim()), level.trim()),
                None => (None, directive),
            };
            let level = parse_level(level).ok_or(LevelError::NotALevel(number))?;
            let before = match target {
                None => default.replace(level).is_some(),
                Some(target) if !is_target(target) => return Err(LevelError::NotALevel(number)),
                Some(target) => {
                    if let Some(talkative) = TALKATIVE.into_iter().find(|name| target.starts_with(name))
                        && level > LevelFilter::INFO
                    {
                        return Err(LevelError::Talkative(number, talkative));
                    }
                    let before = named.iter().any(|(name, _)| *name == target);
                    named.push((target, level));
                    before
                }
            };
            if before {
                return Err(LevelError::Twice(number));
            }
        }
        Ok(Self::new(text.trim(), default.unwrap_or(LevelFilter::INFO), &named))
    }
}

impl Directives {
    fn new(text: &str, default: LevelFilter, named: &[(&str, LevelFilter)]) -> Self {
        let quiet = LIBRARIES.map(|library| (library, default.min(LevelFilter::WARN)));
        let silent = SILENT.map(|library| (library, LevelFilter::OFF));
        let targets = Targets::new().with_default(default).with_targets(quiet).with_targets(silent);
        let targets = targets.with_targets(named.iter().copied());
        let most = named.iter().map(|(_, level)| *level).fold(default, LevelFilter::max);
        Self { text: text.to_owned(), targets, most }
    }

    /// Whether a line, or a span, of this target and level is wanted.
    fn wants(&self, metadata: &Metadata<'_>) -> bool {
        let carries_context = metadata.is_span() && *metadata.level() <= Level::INFO;
        carries_context || self.targets.would_enable(metadata.target(), metadata.level())
    }
}

/// As it was written.
impl fmt::Display for Directives {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The log level of the running process; clones change the same one.
#[derive(Debug, Clone)]
pub struct LevelHandle(Arc<ArcSwap<Directives>>);

impl LevelHandle {
    pub(super) fn new(directives: Directives) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(directives)))
    }

    /// The level as it was last set.
    #[must_use]
    pub fn get(&self) -> String {
        self.0.load().to_string()
    }

    /// Sets the level, from the next line on.
    ///
    /// # Errors
    /// When the text is no level, see [`Directives`]; the level then stays as it was.
    pub fn set(&self, text: &str) -> Result<(), LevelError> {
        self.0.store(Arc::new(text.parse()?));
        callsite::rebuild_interest_cache();
        Ok(())
    }

    pub(super) fn filter(&self) -> LevelGate {
        LevelGate(Arc::clone(&self.0))
    }
}

/// Lets through what the level asks for.
#[derive(Debug)]
pub(super) struct LevelGate(Arc<ArcSwap<Directives>>);

impl<S> Filter<S> for LevelGate {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.0.load().wants(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.0.load().wants(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.0.load().most.max(LevelFilter::INFO))
    }
}

fn parse_level(text: &str) -> Option<LevelFilter> {
    Some(match text.to_ascii_lowercase().as_str() {
        "off" => LevelFilter::OFF,
        "error" => LevelFilter::ERROR,
        "warn" => LevelFilter::WARN,
        "info" => LevelFilter::INFO,
        "debug" => LevelFilter::DEBUG,
        "trace" => LevelFilter::TRACE,
        _ => return None,
    })
}

fn is_target(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'.' | b'-');
    !text.is_empty() && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enabled(directives: &str, target: &str, level: Level) -> bool {
        directives.parse::<Directives>().unwrap().targets.would_enable(target, &level)
    }

    #[test]
    fn a_level_holds_for_us_and_not_for_the_libraries() {
        assert!(enabled("debug", "auth::api::login", Level::DEBUG));
        assert!(!enabled("debug", "auth::api::login", Level::TRACE));
        assert!(!enabled("debug", "h2::codec::framed_read", Level::DEBUG));
        assert!(!enabled("debug", "hyper_util::client", Level::INFO));
        assert!(enabled("debug", "sqlx::query", Level::WARN));
        assert!(!enabled("error", "sqlx::query", Level::WARN));
        assert!(!enabled("debug", "redis::cluster_handling", Level::ERROR));
        assert!(enabled("info,redis=warn", "redis::cluster_handling", Level::WARN));
    }

    #[test]
    fn a_named_target_has_its_own_level() {
        assert!(enabled("warn, sqlx::query=debug", "sqlx::query", Level::DEBUG));
        assert!(!enabled("warn, sqlx::query=debug", "auth", Level::INFO));
        assert!(enabled("auth=debug", "gateway", Level::INFO));
    }

    #[test]
    fn a_library_that_prints_headers_stays_quiet() {
        assert_eq!("info,h2=debug".parse::<Directives>().unwrap_err(), LevelError::Talkative(2, "h2"));
        assert_eq!(
            "hyper::proto=trace".parse::<Directives>().unwrap_err(),
            LevelError::Talkative(1, "hyper")
        );
        assert!("hyper=info".parse::<Directives>().is_ok());
    }

    #[test]
    fn a_typing_error_is_no_target() {
        for (text, error) in [
            ("inof", LevelError::NotALevel(1)),
            ("", LevelError::NotALevel(1)),
            ("info,", LevelError::NotALevel(2)),
            ("info,=debug", LevelError::NotALevel(2)),
            ("auth[span]=debug", LevelError::NotALevel(1)),
            ("auth=5", LevelError::NotALevel(1)),
            ("info,debug", LevelError::Twice(2)),
            ("auth=info,auth=debug", LevelError::Twice(2)),
        ] {
            assert_eq!(text.parse::<Directives>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_refused_level_leaves_the_old_one() {
        let level = LevelHandle::new("warn".parse().unwrap());
        assert!(level.set("loud").is_err());
        assert_eq!(level.get(), "warn");
        level.set("Debug").unwrap();
        assert_eq!(level.get(), "Debug");
    }
}

//! What the process says about itself: log lines, metrics, and spans for a collector.
//!
//! Lines for a person go to stderr, beside the banner; JSON lines go to stdout, where container platforms collect them.
//! Every line of a request carries the fields of its span, so `correlation_id` finds all of them. The log level can be
//! changed while the process runs ([`LevelHandle`]). Spans leave the process only when an endpoint is set.
//!
//! What must hold: no secret is ever a field of a span or a line. Libraries that print headers are kept quiet; what our
//! own code logs is our own business, and secrets are of a type whose `Debug` shows nothing.

mod fields;
mod level;
mod lines;
mod metrics;
pub mod origin;
mod otlp;
mod process;
pub mod trace;
mod tracestate;

pub use level::{Directives, LevelError, LevelHandle};
pub use lines::Sink;
pub use metrics::{CONTENT_TYPE, Metrics};
pub use process::COMMIT;

use crate::clock::Clock;
use crate::config::{Mode, Problems, Validate, setting_enum, settings};
use anyhow::Context as _;
use lines::{LineLayer, Style};
use opentelemetry_sdk::trace::SdkTracerProvider;
use std::io::{self, IsTerminal as _, Write as _};
use std::panic;
use std::sync::Arc;
use std::time::Duration;
use tracing::Dispatch;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How long the end of the process waits for a collector.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

setting_enum! {
    /// How log lines look.
    pub enum LogFormat {
        /// Pretty at a terminal, JSON otherwise.
        Auto = "auto",
        /// For a person, to stderr.
        Pretty = "pretty",
        /// One JSON object a line, to stdout.
        Json = "json",
    }
}

settings! {
    /// Telemetry: log lines, metrics and traces.
    pub struct TelemetryConfig {
        /// What is logged: `off`, `error`, `warn`, `info`, `debug` or `trace`, also by module:
        /// `info,auth::store=debug`.
        log_level: String = "info".to_owned(), env "LOG_LEVEL";
        /// How log lines look: pretty ones go to stderr, JSON lines to stdout; auto is pretty at a terminal.
        log_format: LogFormat = LogFormat::Auto;
        /// Where spans are sent: the base URL of an OpenTelemetry collector, `http://` only.
        otlp_endpoint: Option<String> = None, env "OTEL_EXPORTER_OTLP_ENDPOINT";
        /// The name under which spans are shown.
        service_name: String = "bowline".to_owned(), env "OTEL_SERVICE_NAME";
        /// The share of traces begun here that is recorded, from 0 to 1; a caller's decision is kept.
        sample_ratio: f64 = 1.0;
    }
}

impl Validate for TelemetryConfig {
    fn validate(&self, _mode: Mode, problems: &mut Problems) {
        if let Err(error) = self.log_level.parse::<Directives>() {
            problems.add("log_level", format!("is no log level: {error}"));
        }
        if let Some(problem) = self.otlp_endpoint.as_deref().and_then(otlp::endpoint_problem) {
            problems.add("otlp_endpoint", problem);
        }
        if self.service_name.trim().is_empty() {
            problems.add("service_name", "must not be empty");
        }
        problems.range("sample_ratio", self.sample_ratio, 0.0..=1.0);
    }
}

/// The telemetry of the running process.
#[derive(Clone)]
pub struct Telemetry {
    /// What is logged; can be changed at any time.
    pub level: LevelHandle,
    /// What is measured.
    pub metrics: Metrics,
    spans: Option<SdkTracerProvider>,
}

/// Sets telemetry up for the whole process, panics included. To be called once, inside the main runtime.
///
/// # Errors
/// When the configuration was not validated, or telemetry was set up before.
pub fn init(config: &TelemetryConfig, version: &str) -> anyhow::Result<Telemetry> {
    let pretty = match config.log_format {
        LogFormat::Auto => io::stdout().is_terminal(),
        LogFormat::Pretty => true,
        LogFormat::Json => false,
    };
    // There is nobody left to tell when the place for telling is gone.
    let (style, sink): (Style, Sink) = if pretty {
        let colour = io::stderr().is_terminal();
        (Style::Pretty { colour }, Arc::new(|line| drop(io::stderr().lock().write_all(line))))
    } else {
        (Style::Json, Arc::new(|line| drop(io::stdout().lock().write_all(line))))
    };
    let (dispatch, telemetry) = assemble(config, version, style, sink)?;
    dispatch.try_init().context("telemetry is set up twice")?;
    panic::set_hook(Box::new(log_panic));
    Ok(telemetry)
}

/// As [`init`], for one part of a process, such as a test: lines go to `sink`, as JSON unless the format is pretty, and
/// the dispatcher is the caller's to use. With an endpoint set, [`Telemetry::shutdown`] must have run before the last
/// copy is dropped: otherwise the exporter flushes then, and blocks the thread for it.
///
/// # Errors
/// As [`init`].
pub fn scoped(config: &TelemetryConfig, version: &str, sink: Sink) -> anyhow::Result<(Dispatch, Telemetry)> {
    let pretty = config.log_format == LogFormat::Pretty;
    let style = if pretty { Style::Pretty { colour: false } } else { Style::Json };
    assemble(config, version, style, sink)
}

fn assemble(
    config: &TelemetryConfig,
    version: &str,
    style: Style,
    sink: Sink,
) -> anyhow::Result<(Dispatch, Telemetry)> {
    let level = LevelHandle::new(config.log_level.parse()?);
    let metrics = Metrics::install(version, Clock::system())?;
    let spans = match &config.otlp_endpoint {
        Some(endpoint) => Some(otlp::provider(endpoint, &config.service_name, version, config.sample_ratio)?),
        None => None,
    };
    let lines = LineLayer::new(style, Clock::system(), sink).with_filter(level.filter());
    let subscriber = Registry::default().with(lines).with(spans.as_ref().map(otlp::layer));
    Ok((Dispatch::new(subscriber), Telemetry { level, metrics, spans }))
}

impl Telemetry {
    /// Sends the spans that have ended. Gives up after five seconds, with a line in the log.
    pub async fn flush(&self) {
        self.settle(|spans| spans.force_flush()).await;
    }

    /// Sends the last spans; those that end later are lost. For the end of the process, within the main runtime.
    pub async fn shutdown(&self) {
        self.settle(|spans| spans.shutdown()).await;
    }

    async fn settle<E>(&self, send: impl FnOnce(&SdkTracerProvider) -> Result<(), E> + Send + 'static)
    where
        E: std::error::Error + Send + 'static,
    {
        let Some(spans) = self.spans.clone() else { return };
        // The SDK blocks while the exporter, a task of the runtime, does the work.
        let sending = tokio::task::spawn_blocking(move || send(&spans));
        match tokio::time::timeout(FLUSH_TIMEOUT, sending).await {
            Ok(Ok(Ok(()))) => {}
            Ok(Ok(Err(error))) => tracing::warn!(%error, "spans were lost: the collector did not take them"),
            Ok(Err(error)) => tracing::warn!(%error, "spans were lost: sending them failed"),
            Err(_) => tracing::warn!("spans were lost: the collector did not answer in time"),
        }
    }
}

fn log_panic(panic: &panic::PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("(not a text)");
    let location = panic.location().map(ToString::to_string).unwrap_or_default();
    let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
    tracing::error!(target: "panic", location, thread, "panicked: {message}");
}

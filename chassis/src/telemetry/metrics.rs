//! The registry of metrics and the page that Prometheus reads.
//!
//! Whoever measures uses the macros of the `metrics` crate, which cost two atomic operations once the handle is kept.
//! What must hold: a label is from a closed set (a route's template, never its path; never a user), histograms of
//! seconds end in `_seconds`, and nobody but this module names a metric `process_*`, `tokio_*` or `build_info`.

use super::process::Process;
use crate::clock::Clock;
use anyhow::anyhow;
use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::OnceLock;
use tokio::runtime::Handle;

/// The content type of [`Metrics::page`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds in seconds. The low ones tell a cache hit from a query, the high ones a slow query from a timeout.
const SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The metrics of this process; clones read the same ones.
#[derive(Clone)]
pub struct Metrics {
    recorder: PrometheusHandle,
    process: Process,
}

impl Metrics {
    /// Makes the registry the one that the macros of `metrics` write to. A second call returns the same registry.
    pub(super) fn install(version: &str, clock: Clock) -> anyhow::Result<Self> {
        static RECORDER: OnceLock<Result<PrometheusHandle, String>> = OnceLock::new();
        let recorder = RECORDER.get_or_init(|| install_recorder().map_err(|error| format!("{error:#}")));
        let recorder = recorder.clone().map_err(|error| anyhow!(error))?;
        Ok(Self { recorder, process: Process::new(version, clock) })
    }

    /// Everything measured so far, in the Prometheus text format. `runtime` is the one whose load is reported.
    #[must_use]
    pub fn page(&self, runtime: &Handle) -> String {
        let mut page = self.recorder.render();
        self.process.write(&mut page, &runtime.metrics());
        page
    }

    /// Sorts what histograms have gathered into their buckets. To be called every few seconds: between two calls each
    /// measurement is kept on its own.
    pub fn upkeep(&self) {
        self.recorder.run_upkeep();
    }
}

fn install_recorder() -> anyhow::Result<PrometheusHandle> {
    let seconds = Matcher::Suffix("_seconds".to_owned());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(seconds, &SECONDS)?.build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)?;
    describe_counter!(
        "http_requests_total",
        "Requests answered, by service, method, route template and status."
    );
    describe_counter!("http_errors_total", "Requests answered with an error, by service and error code.");
    describe_histogram!(
        "http_request_duration_seconds",
        Unit::Seconds,
        "Time from the request's headers to the answer's, by service, method and route template."
    );
    describe_gauge!("http_active_connections", "Requests being answered, by service.");
    Ok(handle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_page_has_valid_names_each_declared_once_and_every_sample_declared() {
        let metrics = Metrics::install("1.2.3-\"rc\\1\"", Clock::system()).unwrap();
        metrics::histogram!("http_request_duration_seconds", "service" => "auth").record(0.0007);
        metrics::counter!("http_requests_total", "service" => "auth", "route" => "/api/v1/users/{id}")
            .increment(1);
        metrics::gauge!("http_active_connections", "service" => "auth").set(2.0);
        Metrics::install("again", Clock::system()).unwrap().upkeep();

        let page = metrics.page(&Handle::current());
        let mut declared = Vec::new();
        for line in page.lines() {
            if let Some(name) = line.strip_prefix("# TYPE ").and_then(|rest| rest.split(' ').next()) {
                assert!(!declared.contains(&name), "{name} is declared twice");
                declared.push(name);
            } else if !line.starts_with('#') && !line.is_empty() {
                let name = line.split(['{', ' ']).next().unwrap();
                let valid = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
                assert!(name.bytes().all(valid), "{line}");
                let family = ["_bucket", "_sum", "_count"].iter().find_map(|part| name.strip_suffix(part));
                let known = |name: &str| declared.last() == Some(&name);
                assert!(known(name) || family.is_some_and(known), "{line} does not follow its declaration");
                assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
            }
        }
        for name in ["http_requests_total", "process_uptime_seconds", "tokio_workers", "build_info"] {
            assert!(declared.contains(&name), "{name} is missing from {declared:?}");
        }
        assert!(
            page.contains("http_request_duration_seconds_bucket{service=\"auth\",le=\"0.001\"} 1"),
            "{page}"
        );
        assert!(page.contains(r#"build_info{version="1.2.3-\"rc\\1\"""#), "{page}");
    }
}

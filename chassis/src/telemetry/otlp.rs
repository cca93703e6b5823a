//! Spans to a collector, over OTLP with protobuf and HTTP.
//!
//! The exporter runs as a task of the main runtime, because its HTTP client needs one: the SDK's default processor runs
//! on a thread without a runtime and panics at the first export. The client speaks `http://` only, so the collector runs
//! beside the service. The SDK's own variables (`OTEL_RESOURCE_ATTRIBUTES`, `OTEL_BSP_*`, `OTEL_EXPORTER_OTLP_HEADERS`)
//! hold as OpenTelemetry documents them.
//!
//! A collector that is away costs spans and a line in the log, never a request.

use super::level::is_library;
use super::trace::{Ids, exporting};
use anyhow::Context as _;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::runtime;
use opentelemetry_sdk::trace::span_processor_with_async_runtime::BatchSpanProcessor;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tokio::runtime::Handle;
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::Layer;
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

/// What is wrong with an endpoint, in the words of a configuration error.
pub(super) fn endpoint_problem(endpoint: &str) -> Option<&'static str> {
    let parsed = endpoint.parse::<http::Uri>().ok();
    match parsed.as_ref().map(|uri| (uri.scheme_str(), uri.query())) {
        Some((Some("http"), None)) => None,
        Some((Some("https"), _)) => Some(
            "must begin with http://: this build sends spans to a collector beside it, which speaks TLS onwards",
        ),
        _ => Some("must be a URL such as http://localhost:4318, without a query"),
    }
}

/// Sets the export up. To be called inside the main runtime.
pub(super) fn provider(
    endpoint: &str,
    service: &str,
    version: &str,
    ratio: f64,
) -> anyhow::Result<SdkTracerProvider> {
    Handle::try_current().context("spans are exported from inside the runtime, and there is none")?;
    let endpoint = format!("{}/v1/traces", endpoint.trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build();
    let exporter = exporter.context("the exporter of spans cannot be set up")?;
    let resource = Resource::builder()
        .with_service_name(service.to_owned())
        .with_attribute(KeyValue::new("service.version", version.to_owned()))
        .with_attribute(KeyValue::new("service.instance.id", Uuid::now_v7().to_string()))
        .build();
    exporting(ratio);
    Ok(SdkTracerProvider::builder()
        .with_resource(resource)
        .with_id_generator(Ids::default())
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(ratio))))
        .with_span_processor(BatchSpanProcessor::builder(exporter, runtime::Tokio).build())
        .build())
}

/// Hands our spans to the exporter, with their warnings and errors as events. The log has everything else.
pub(super) fn layer<S>(provider: &SdkTracerProvider) -> impl Layer<S> + use<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("bowline"))
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(is_exported))
}

fn is_exported(metadata: &Metadata<'_>) -> bool {
    let least = if metadata.is_span() { Level::INFO } else { Level::WARN };
    *metadata.level() <= least && !is_library(metadata.target())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_http_url_is_an_endpoint() {
        for endpoint in ["http://localhost:4318", "http://collector:4318/base/", "http://[::1]:4318"] {
            assert_eq!(endpoint_problem(endpoint), None, "{endpoint}");
        }
        for endpoint in ["https://collector:4318", "localhost:4318", "collector", "/v1", "http://c/?a=b", ""]
        {
            assert!(endpoint_problem(endpoint).is_some(), "{endpoint}");
        }
    }

    #[test]
    fn an_export_without_a_runtime_is_an_error_and_no_panic() {
        assert!(provider("http://localhost:4318", "bowline", "1", 1.0).is_err());
    }
}

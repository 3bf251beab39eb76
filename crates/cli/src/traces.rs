//! OpenTelemetry traces: every request and every job is a span, sent in batches to a collector over OTLP/HTTP. Only in
//! builds with the feature `otlp`; another build refuses a configuration that asks for them rather than trace nothing.

#[cfg(feature = "otlp")]
pub(crate) use enabled::{Guard, layer};

#[cfg(not(feature = "otlp"))]
pub(crate) use disabled::{Guard, layer};

#[cfg(not(feature = "otlp"))]
mod disabled {
    use assize_server::config::Tracing;
    use tracing_subscriber::layer::Identity;

    use crate::outcome::BadInput;

    /// Nothing to end.
    pub(crate) struct Guard;

    /// A layer that does nothing.
    pub(crate) fn layer(settings: &Tracing) -> anyhow::Result<(Identity, Guard)> {
        if settings.endpoint.is_some() {
            let why = "tracing.endpoint: this build sends no traces; build with `--features otlp`, or leave it out";
            return Err(BadInput(why.to_owned()).into());
        }
        Ok((Identity::new(), Guard))
    }
}

#[cfg(feature = "otlp")]
mod enabled {
    use std::time::Duration;

    use anyhow::Context as _;
    use assize_server::config::Tracing;
    use opentelemetry::trace::TracerProvider as _;
    use opentelemetry_otlp::{SpanExporter, WithExportConfig as _};
    use opentelemetry_sdk::Resource;
    use opentelemetry_sdk::trace::{Sampler, SdkTracer, SdkTracerProvider};
    use tracing_opentelemetry::OpenTelemetryLayer;
    use tracing_subscriber::Registry;

    /// Longest time for a batch, and for the last one at the end.
    const EXPORT_TIME_MAX: Duration = Duration::from_secs(5);

    /// Sends what is left when it is dropped.
    pub(crate) struct Guard(Option<SdkTracerProvider>);

    impl Drop for Guard {
        fn drop(&mut self) {
            if let Some(provider) = &self.0
                && let Err(error) = provider.shutdown_with_timeout(EXPORT_TIME_MAX)
            {
                eprintln!("assize: the last traces were not sent: {error}");
            }
        }
    }

    /// The layer that makes spans into traces, if the settings name a collector.
    pub(crate) fn layer(
        settings: &Tracing,
    ) -> anyhow::Result<(Option<OpenTelemetryLayer<Registry, SdkTracer>>, Guard)> {
        let Some(endpoint) = &settings.endpoint else { return Ok((None, Guard(None))) };
        assize_server::outgoing::install_crypto();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .with_timeout(EXPORT_TIME_MAX)
            .build()
            .with_context(|| format!("tracing.endpoint: traces cannot be sent to {endpoint}"))?;
        let kept = f64::from(settings.sample_percent) / 100.0;
        let provider = SdkTracerProvider::builder()
            .with_batch_exporter(exporter)
            .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(kept))))
            .with_resource(Resource::builder().with_service_name("assize").build())
            .build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("assize"));
        Ok((Some(layer), Guard(Some(provider))))
    }
}

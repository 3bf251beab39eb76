//! What the process says about itself: log lines on standard error (text at a terminal, JSON lines elsewhere), and, in
//! builds with the feature `otlp`, traces to a collector.

use std::io::IsTerminal;

use assize_server::config::{Config, LogFormat, Logging};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::outcome::BadInput;
use crate::traces;

/// Tells warnings and errors of a command that ends, as text; a logging that was started before stays.
pub(crate) fn warn() {
    let builder = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
    // The error says that logging was started, which is as good.
    let _ = builder.with_writer(std::io::stderr).with_target(false).compact().try_init();
}

/// Starts logging, and traces if the settings name a collector, for as long as the answer lives. Call it before there is
/// a runtime: the exporter has a thread and a client of its own.
pub(crate) fn start(config: &Config) -> anyhow::Result<traces::Guard> {
    let filter = filter(&config.logging)?;
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if json(&config.logging) { lines.json().boxed() } else { lines.with_target(false).compact().boxed() };
    let (layer, guard) = traces::layer(&config.tracing)?;
    let started = tracing_subscriber::registry().with(layer).with(lines).with(filter).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))?;
    Ok(guard)
}

fn filter(logging: &Logging) -> anyhow::Result<EnvFilter> {
    EnvFilter::try_new(&logging.level)
        .map_err(|error| BadInput(format!("logging.level: {:?} is no level: {error}", logging.level)).into())
}

fn json(logging: &Logging) -> bool {
    match logging.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    }
}

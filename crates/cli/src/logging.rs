//! What the process says about itself, on standard error: text at a terminal, JSON lines elsewhere.

use std::io::IsTerminal;

use assize_server::config::{LogFormat, Logging};
use tracing_subscriber::EnvFilter;

use crate::outcome::BadInput;

/// Tells warnings and errors of a command that ends, as text; a logging that was started before stays.
pub(crate) fn warn() {
    let builder = tracing_subscriber::fmt().with_max_level(tracing_subscriber::filter::LevelFilter::WARN);
    // The error says that logging was started, which is as good.
    let _ = builder.with_writer(std::io::stderr).with_target(false).compact().try_init();
}

/// Starts logging for the rest of the process.
pub(crate) fn start(logging: &Logging) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&logging.level)
        .map_err(|error| BadInput(format!("logging.level: {:?} is no level: {error}", logging.level)))?;
    let json = match logging.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if json { builder.json().try_init() } else { builder.with_target(false).compact().try_init() };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}

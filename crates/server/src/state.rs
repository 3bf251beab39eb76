//! What every handler shares: the application, and the few things that belong to the HTTP side alone.

use std::sync::{Arc, OnceLock};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::api::certification::RenderedCache;
use crate::app::App;
use crate::clock::Clock;
use crate::config::Config;
use crate::middleware::RateLimits;

/// Shared state; a clone is a pointer.
#[derive(Clone)]
pub(crate) struct HttpState(Arc<Inner>);

struct Inner {
    app: App,
    rate_limits: RateLimits,
    uploads: Arc<Semaphore>,
    event_streams: Arc<Semaphore>,
    rendered: RenderedCache,
    docs_body: OnceLock<String>,
    stopping: CancellationToken,
}

impl HttpState {
    pub(crate) fn new(app: App, stopping: CancellationToken) -> Self {
        let limits = &app.config().limits;
        Self(Arc::new(Inner {
            rate_limits: RateLimits::new(limits),
            uploads: Arc::new(Semaphore::new(limits.uploads_max)),
            event_streams: Arc::new(Semaphore::new(limits.event_streams_max)),
            rendered: RenderedCache::default(),
            docs_body: OnceLock::new(),
            stopping,
            app,
        }))
    }

    pub(crate) fn app(&self) -> &App {
        &self.0.app
    }

    pub(crate) fn config(&self) -> &Config {
        self.0.app.config()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        self.0.app.clock()
    }

    pub(crate) fn rate_limits(&self) -> &RateLimits {
        &self.0.rate_limits
    }

    /// One permit a running upload.
    pub(crate) fn uploads(&self) -> &Arc<Semaphore> {
        &self.0.uploads
    }

    /// One permit an open event stream.
    pub(crate) fn event_streams(&self) -> &Arc<Semaphore> {
        &self.0.event_streams
    }

    pub(crate) fn rendered(&self) -> &RenderedCache {
        &self.0.rendered
    }

    /// The content of the reference page, made at its first request.
    pub(crate) fn docs_body(&self, make: impl FnOnce() -> String) -> &str {
        self.0.docs_body.get_or_init(make)
    }

    /// Set when the server stops: endless streams end.
    pub(crate) fn stopping(&self) -> &CancellationToken {
        &self.0.stopping
    }
}

//! The listening side of the process: connections in, answers out, and a stop that loses nothing.
//!
//! Stopping: no new connection is accepted; endless streams end; requests that are being worked get
//! `server.shutdown_grace_s` to finish; what is left is dropped, which cancels the audits that only their clients waited
//! for. Jobs belong to the worker, which whoever started it stops.
//!
//! HTTP/1.1 without TLS: a proxy in front speaks what it likes to the world. One protocol means one set of timeouts.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::app::App;
use crate::config;
use crate::outgoing;
use crate::router::{router, worker_router};
use crate::state::HttpState;

/// Largest head of a request, bytes.
const HEAD_BYTES_MAX: usize = 64 << 10;

/// Pause after a refused `accept`, e.g. when the process has no file descriptor left.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A server that listens and is ready to run.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    settings: config::Server,
    router: Router,
    stopping: CancellationToken,
}

impl Server {
    /// Takes the configured address. Connections wait in the operating system's queue until [`Server::run`].
    ///
    /// # Errors
    /// When the address cannot be taken.
    pub async fn bind(app: App) -> anyhow::Result<Self> {
        let listen = app.config().server.listen;
        let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
        Self::over(app, listener)
    }

    /// Serves on a listener that was opened before, e.g. to learn its port.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn over(app: App, listener: TcpListener) -> anyhow::Result<Self> {
        Self::with_router(app, listener, router)
    }

    /// Serves what a worker of its own answers (health, readiness, metrics) on a listener that was opened before.
    ///
    /// # Errors
    /// When the listener has no address.
    pub fn for_worker(app: App, listener: TcpListener) -> anyhow::Result<Self> {
        Self::with_router(app, listener, worker_router)
    }

    fn with_router(app: App, listener: TcpListener, router: fn(&HttpState) -> Router) -> anyhow::Result<Self> {
        outgoing::install_crypto();
        let address = listener.local_addr().context("the listener has no address")?;
        let settings = app.config().server.clone();
        let stopping = CancellationToken::new();
        let router = router(&HttpState::new(app, stopping.clone()));
        Ok(Self { listener, address, settings, router, stopping })
    }

    /// The address taken; with port 0 configured, the port that was free.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` resolves, then stops cleanly.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let connections = Connections {
            router: self.router,
            header_timeout: Duration::from_secs(self.settings.header_timeout_s),
            graceful: GracefulShutdown::new(),
            tasks: TaskTracker::new(),
            abandon: CancellationToken::new(),
        };
        let permits = Arc::new(Semaphore::new(self.settings.connections_max));
        let accepting = async {
            loop {
                // Never closed, so a permit always comes.
                let Ok(permit) = permits.clone().acquire_owned().await else { return };
                match self.listener.accept().await {
                    Ok((stream, peer)) => connections.serve(stream, peer, permit),
                    Err(error) => {
                        tracing::warn!("a connection could not be accepted: {error}");
                        tokio::time::sleep(ACCEPT_RETRY).await;
                    }
                }
            }
        };
        tokio::select! {
            () = shutdown => {}
            () = accepting => {}
        }
        drop(self.listener);
        self.stopping.cancel();
        connections.finish(Duration::from_secs(self.settings.shutdown_grace_s)).await;
    }
}

/// The open connections.
struct Connections {
    router: Router,
    header_timeout: Duration,
    graceful: GracefulShutdown,
    tasks: TaskTracker,
    /// Set when the grace is over.
    abandon: CancellationToken,
}

impl Connections {
    /// Serves one connection on a task of its own, which holds `permit` as long.
    fn serve(&self, stream: TcpStream, peer: SocketAddr, permit: tokio::sync::OwnedSemaphorePermit) {
        // Without it small answers wait for the client's acknowledgement; an error here is a closed connection.
        let _ = stream.set_nodelay(true);
        let router = self.router.clone();
        let service = service_fn(move |request: hyper::Request<Incoming>| answer(router.clone(), request, peer));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_buf_size(HEAD_BYTES_MAX)
            .serve_connection(TokioIo::new(stream), service);
        let connection = self.graceful.watch(connection);
        let abandoned = self.abandon.clone().cancelled_owned();
        self.tasks.spawn(async move {
            tokio::select! {
                result = connection => {
                    if let Err(error) = result {
                        tracing::debug!("a connection ended early: {error}");
                    }
                }
                () = abandoned => {}
            }
            drop(permit);
        });
    }

    /// Waits for running requests, at most `grace`, then drops them.
    async fn finish(self, grace: Duration) {
        if tokio::time::timeout(grace, self.graceful.shutdown()).await.is_err() {
            tracing::warn!("requests still ran after {} s and were dropped", grace.as_secs());
        }
        self.abandon.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// One request through the router, with the address of its connection.
async fn answer(
    router: Router,
    request: hyper::Request<Incoming>,
    peer: SocketAddr,
) -> Result<axum::response::Response, Infallible> {
    let mut request = request.map(Body::new);
    request.extensions_mut().insert(ConnectInfo(peer));
    router.oneshot(request).await
}

//! `assize serve`: interfaces, pages and workers in one process.

use std::net::SocketAddr;

use assize_server::app::FirstStart;
use assize_server::config::Config;
use assize_server::jobs;
use assize_server::serve::Server;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{demo, installation};
use crate::arguments::{ServeOptions, Shared};
use crate::outcome::Outcome;
use crate::settings::{self, Flag};

/// Serves until it is told to stop.
pub(crate) fn run(shared: &Shared, options: &ServeOptions) -> anyhow::Result<Outcome> {
    let mut config = settings::load(shared, flags(options))?.config;
    let _telemetry = crate::logging::start(&config)?;
    installation::runtime()?.block_on(async {
        let home = config.storage.home.clone();
        let _lock = installation::lock(&home)?;
        // The address is taken first: with port 0 it is part of the public address, which certificates name.
        let listener = tokio::net::TcpListener::bind(config.server.listen).await.map_err(|error| {
            anyhow::anyhow!("cannot listen on {}: {error}; choose another with --listen", config.server.listen)
        })?;
        config.server.listen = listener.local_addr()?;
        let app = installation::open(config).await?;
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        if app.config().worker.enabled {
            tasks.spawn(jobs::work(app.clone(), worker_name(app.config())?, stopping.clone()));
        }
        let server = Server::over(app.clone(), listener)?;
        let first = app.first_start().await?;
        greet(app.config(), server.address());
        if let Some(first) = &first {
            introduce(first);
        }
        if options.demo {
            let (app, stopping) = (app.clone(), stopping.clone());
            tasks.spawn(async move {
                tokio::select! {
                    told = demo::fill(&app) => {
                        if let Err(error) = told {
                            eprintln!("assize: the tour could not be prepared: {error:#}");
                        }
                    }
                    () = stopping.cancelled() => {}
                }
            });
        }
        server.run(stop_signal()).await;
        stopping.cancel();
        tasks.close();
        tasks.wait().await;
        app.close().await;
        Ok(Outcome::Done)
    })
}

fn flags(options: &ServeOptions) -> Vec<Flag> {
    let mut flags = Vec::new();
    if let Some(listen) = options.listen {
        flags.push(Flag::new("--listen", "server.listen", listen.to_string()));
    }
    if let Some(url) = &options.public_url {
        flags.push(Flag::new("--public-url", "server.public_url", url.as_str()));
    }
    if options.no_worker {
        flags.push(Flag::new("--no-worker", "worker.enabled", false));
    }
    flags
}

/// The embedded worker keeps its name, so that it takes over at once what a killed run of it left behind; the lock on
/// the home makes sure that it is alone.
fn worker_name(config: &Config) -> anyhow::Result<String> {
    match &config.storage.database_url {
        None => Ok("embedded".to_owned()),
        Some(_) => installation::worker_name(),
    }
}

fn greet(config: &Config, address: SocketAddr) {
    println!("Assize {} is ready.", env!("CARGO_PKG_VERSION"));
    println!("  listening on   http://{address}");
    println!("  dashboard      {}/dashboard", config.public_url());
    println!("  home           {}", config.storage.home.display());
    if !config.worker.enabled {
        println!("  jobs           worked elsewhere (assize worker)");
    }
}

/// What a new installation starts with: printed once, kept nowhere in clear.
fn introduce(first: &FirstStart) {
    println!("A new installation. This is shown once; keep it:");
    println!("  sign in as     {}", first.email);
    println!("  password       {}", first.password);
    println!("  organization   {}", first.organization);
    for issued in &first.keys {
        println!("  {:<14} {}", format!("{} key", issued.key.interface.as_str()), issued.secret);
    }
}

/// Resolves when the process is asked to end.
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let interrupted = tokio::signal::ctrl_c();
    match signal(SignalKind::terminate()) {
        Ok(mut terminated) => {
            tokio::select! {
                _ = interrupted => {}
                _ = terminated.recv() => {}
            }
        }
        Err(_) => {
            let _ = interrupted.await;
        }
    }
}

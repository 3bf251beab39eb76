//! `assize worker`: jobs only, against a shared database and shared files.

use assize_server::jobs;
use assize_server::serve::Server;
use tokio_util::sync::CancellationToken;

use super::installation;
use super::serve::stop_signal;
use crate::arguments::{Shared, WorkerOptions};
use crate::outcome::{BadInput, Outcome};
use crate::settings::{self, Flag};

/// Works jobs until it is told to stop.
pub(crate) fn run(shared: &Shared, options: &WorkerOptions) -> anyhow::Result<Outcome> {
    let mut flags = Vec::new();
    if let Some(concurrency) = options.concurrency {
        flags.push(Flag::new("--concurrency", "worker.concurrency", concurrency));
    }
    if let Some(listen) = options.listen {
        flags.push(Flag::new("--listen", "worker.listen", listen.to_string()));
    }
    let config = settings::load(shared, flags)?.config;
    let shared_database = config.storage.database_url.as_ref().is_some_and(|url| !url.expose().starts_with("sqlite:"));
    if !shared_database {
        return Err(BadInput(
            "a worker of its own needs a shared database: name one with --database postgres://... (`assize serve` works \
             its jobs itself)"
                .to_owned(),
        )
        .into());
    }
    let _telemetry = crate::logging::start(&config)?;
    installation::runtime()?.block_on(async {
        // Nobody would know where to ask a worker that failed to listen: it does not start then.
        let listener = match config.worker.listen {
            Some(address) => {
                let listener = tokio::net::TcpListener::bind(address).await;
                Some(listener.map_err(|error| anyhow::anyhow!("worker.listen: cannot listen on {address}: {error}"))?)
            }
            None => None,
        };
        let app = installation::open(config).await?;
        let stopping = CancellationToken::new();
        let owner = installation::worker_name()?;
        println!("working jobs as {owner}");
        let work = tokio::spawn(jobs::work(app.clone(), owner, stopping.clone()));
        match listener {
            Some(listener) => {
                let server = Server::for_worker(app.clone(), listener)?;
                println!("  listening on   http://{}", server.address());
                server.run(stop_signal()).await;
            }
            None => stop_signal().await,
        }
        stopping.cancel();
        work.await?;
        app.close().await;
        Ok(Outcome::Done)
    })
}

//! `assize worker`: jobs only, against a shared database and shared files.

use assize_server::jobs;
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
    crate::logging::start(&config.logging)?;
    installation::runtime()?.block_on(async {
        let app = installation::open(config).await?;
        let stopping = CancellationToken::new();
        let owner = installation::worker_name()?;
        println!("working jobs as {owner}");
        let work = tokio::spawn(jobs::work(app.clone(), owner, stopping.clone()));
        stop_signal().await;
        stopping.cancel();
        work.await?;
        app.close().await;
        Ok(Outcome::Done)
    })
}

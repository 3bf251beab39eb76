//! Prints how long it takes to check an API key: `cargo run --release -p assize-server --example key_check [HOME]`, with
//! 10,000 keys of 1,000 organizations, each checked once from the database and then a hundred times from memory.
#![expect(clippy::print_stdout, reason = "a command prints its figures")]
#![expect(clippy::disallowed_methods, reason = "a stopwatch is what it is for")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use assize_server::app::{App, Caller, KeyInterface, NewKey, OrganizationId, Role, SystemRandom};
use assize_server::clock::SystemClock;
use assize_server::config::Config;

const ORGANIZATIONS: usize = 1_000;
const KEYS_EACH: usize = 10;
const ROUNDS: usize = 100;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let home = tempfile::tempdir()?;
    let mut config = Config::default();
    config.storage.home = std::env::args().nth(1).map_or_else(|| home.path().to_owned(), Into::into);
    let open = async || App::open(config.clone(), Arc::new(SystemClock), Arc::new(SystemRandom)).await;
    let app = open().await?;
    let mut secrets = Vec::with_capacity(ORGANIZATIONS * KEYS_EACH);
    for number in 0..ORGANIZATIONS {
        let id = OrganizationId::parse(&format!("org_{number}")).context("an organization id")?;
        app.ensure_organization(&id, "bench").await?;
        for _ in 0..KEYS_EACH {
            let new = NewKey {
                name: "bench".to_owned(),
                interface: KeyInterface::Interactions,
                role: Role::Submitter,
                expires_at: None,
            };
            secrets.push(app.create_key(&Caller::operator(id.clone()), &new).await?.secret);
        }
    }
    app.close().await;
    // A process that remembers nothing.
    let app = open().await?;
    let mut from_database = Vec::with_capacity(secrets.len());
    for secret in &secrets {
        from_database.push(checked(&app, secret).await?);
    }
    // Uses are noted once a minute and key, in the background: let that end.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut from_memory = Vec::with_capacity(secrets.len() * ROUNDS);
    for round in 0..ROUNDS {
        // What memory says is believed for five seconds.
        for secret in secrets.iter().skip(round % 10).step_by(10) {
            checked(&app, secret).await?;
            from_memory.push(checked(&app, secret).await?);
        }
    }
    print("from the database", &mut from_database);
    print("from memory", &mut from_memory);
    app.close().await;
    Ok(())
}

async fn checked(app: &App, secret: &str) -> anyhow::Result<Duration> {
    let begin = Instant::now();
    app.authenticate(secret, None, None).await?;
    Ok(begin.elapsed())
}

fn print(what: &str, times: &mut [Duration]) {
    times.sort_unstable();
    let at = |share: f64| times[((times.len() - 1) as f64 * share) as usize].as_nanos() as f64 / 1e3;
    println!("{what}: {} checks, p50 {:.1} us, p99 {:.1} us, max {:.1} us", times.len(), at(0.5), at(0.99), at(1.0));
}

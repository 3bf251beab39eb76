//! `assize migrate`: the database to this version's schema.

use assize_server::app::App;
use assize_server::clock::SystemClock;

use super::installation;
use crate::arguments::Shared;
use crate::outcome::Outcome;
use crate::settings;

/// Migrates and prints the version.
pub(crate) fn run(shared: &Shared) -> anyhow::Result<Outcome> {
    let settings = settings::load(shared, Vec::new())?;
    let version = installation::runtime()?.block_on(App::migrate(&settings.config, &SystemClock))?;
    println!("The database has schema version {version}.");
    Ok(Outcome::Done)
}

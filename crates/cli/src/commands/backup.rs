//! `assize backup` and `assize restore`: the whole installation in one file, and back.

use assize_server::app::{App, Caller, OrganizationId};
use assize_server::clock::SystemClock;

use super::installation;
use crate::arguments::{BackupOptions, RestoreOptions, Shared};
use crate::outcome::Outcome;
use crate::settings;

/// Takes a backup, also while the installation serves; 3 when a stored file is damaged and therefore not in it.
pub(crate) fn backup(shared: &Shared, options: &BackupOptions) -> anyhow::Result<Outcome> {
    let settings = settings::load(shared, Vec::new())?;
    installation::runtime()?.block_on(async {
        let app = installation::open(settings.config).await?;
        let operator = Caller::operator(OrganizationId::public());
        let taken = app.backup(&operator, &options.target, options.include_keys).await;
        app.close().await;
        let report = taken?;
        if options.json {
            println!("{}", serde_json::to_string_pretty(&report)?);
        } else {
            println!("{}", report.path.display());
            println!("  {} bytes, SHA-256 {}", report.bytes, report.sha256);
            println!("  {} rows, {} stored files, {} log entries", report.rows, report.files, report.log_size);
            if !report.keys_included {
                println!("  without the keys: keep copies of the signing key and the master key apart");
            }
        }
        for file in &report.damaged_files {
            eprintln!("assize: the stored file {file} is damaged and not in the backup");
        }
        Ok(if report.damaged_files.is_empty() { Outcome::Done } else { Outcome::DoesNotPass })
    })
}

/// Puts a backup into an empty home or database.
pub(crate) fn restore(shared: &Shared, options: &RestoreOptions) -> anyhow::Result<Outcome> {
    let config = settings::load(shared, Vec::new())?.config;
    let report = installation::runtime()?.block_on(App::restore(&config, &SystemClock, &options.archive))?;
    if options.json {
        println!("{}", serde_json::to_string_pretty(&report)?);
        return Ok(Outcome::Done);
    }
    println!("Restored as it was at {}.", report.taken_at);
    println!("  {} rows, {} stored files, {} log entries", report.rows, report.files, report.log_size);
    if let Some(root) = &report.log_root {
        println!("  root of the log  {root}");
    }
    for file in &report.damaged_files {
        println!("  not in the backup: the stored file {file}");
    }
    if !report.keys_included {
        println!(
            "  put the signing key and the master key in place before the first start: they were not in the backup"
        );
    }
    println!("  next: assize doctor");
    Ok(Outcome::Done)
}

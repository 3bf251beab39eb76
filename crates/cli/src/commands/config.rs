//! `assize config show`: the effective configuration and where each value comes from.

use crate::arguments::{ConfigCommand, Shared};
use crate::outcome::Outcome;
use crate::settings;

/// Prints every setting.
pub(crate) fn run(shared: &Shared, command: &ConfigCommand) -> anyhow::Result<Outcome> {
    let ConfigCommand::Show { json } = command;
    let shown = settings::load(shared, Vec::new())?.shown()?;
    if *json {
        println!("{}", serde_json::to_string_pretty(&shown)?);
        return Ok(Outcome::Done);
    }
    let width = shown.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    for setting in shown {
        println!("{:width$} = {}   # {}", setting.key, setting.value, setting.origin);
    }
    Ok(Outcome::Done)
}

//! `assize retention show|set|enforce`: how long an organization keeps what.

use assize_server::app::{App, AppError, Caller, OrganizationId, RetentionKind};
use serde_json::json;

use super::installation;
use crate::arguments::{RetentionCommand, Shared};
use crate::outcome::{BadInput, Outcome};
use crate::settings;

/// Shows, sets or enforces.
pub(crate) fn run(shared: &Shared, command: &RetentionCommand) -> anyhow::Result<Outcome> {
    let settings = settings::load(shared, Vec::new())?;
    installation::runtime()?.block_on(async {
        let app = installation::open(settings.config).await?;
        let done = act(&app, command).await;
        app.close().await;
        done
    })
}

async fn act(app: &App, command: &RetentionCommand) -> anyhow::Result<Outcome> {
    match command {
        RetentionCommand::Show { org, json } => {
            let kept = app.retention(&operator(org)?).await?;
            if *json {
                let days: serde_json::Map<_, _> =
                    kept.iter().map(|(kind, days)| (kind.as_str().to_owned(), json!(days))).collect();
                println!("{}", serde_json::to_string_pretty(&days)?);
            } else {
                for (kind, days) in kept {
                    println!("{:<8}  {days} days", kind.as_str());
                }
            }
        }
        RetentionCommand::Set { org, kind, days } => {
            let known = RetentionKind::ALL.map(RetentionKind::as_str).join(", ");
            let kind = RetentionKind::parse(kind)
                .ok_or_else(|| BadInput(format!("{kind}: not a kind of data; there are {known}")))?;
            let days = match days.as_str() {
                "default" => None,
                days => Some(days.parse().map_err(|_| BadInput(format!("{days}: not a number of days")))?),
            };
            app.set_retention(&operator(org)?, kind, days).await?;
        }
        RetentionCommand::Enforce => {
            let report = app.enforce_retention(app.clock().now()).await?;
            println!("{}", serde_json::to_string_pretty(&report)?);
        }
    }
    Ok(Outcome::Done)
}

fn operator(org: &str) -> Result<Caller, AppError> {
    let unknown = || AppError::Unprocessable(format!("--org: {org:?} is not an organization's id"));
    OrganizationId::parse(org).map(Caller::operator).ok_or_else(unknown)
}

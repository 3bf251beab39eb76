//! `assize signing-key show|prepare|rotate`.

use assize_attestation::TrustedKeys;
use assize_server::app::{Caller, OrganizationId};

use super::installation;
use crate::arguments::{Shared, SigningKeyCommand};
use crate::outcome::Outcome;
use crate::settings;

/// Shows or rotates.
pub(crate) fn run(shared: &Shared, command: &SigningKeyCommand) -> anyhow::Result<Outcome> {
    let settings = settings::load(shared, Vec::new())?;
    installation::runtime()?.block_on(async {
        let app = installation::open(settings.config).await?;
        match command {
            SigningKeyCommand::Show { json: true } => {
                println!("{}", serde_json::to_string_pretty(&app.public_keys().await?.to_json())?);
            }
            SigningKeyCommand::Show { json: false } => print(&app.public_keys().await?),
            SigningKeyCommand::Prepare => {
                let (key_id, path) = app.prepare_signing_key()?;
                println!("{key_id}  {}", path.display());
                eprintln!(
                    "assize: copy this file beside the key of every machine, then run signing-key rotate --prepared."
                );
            }
            SigningKeyCommand::Rotate { prepared } => {
                let operator = Caller::operator(OrganizationId::public());
                print(&app.rotate_signing_key(&operator, *prepared).await?);
                eprintln!("assize: the old key is retired; certificates it signed still verify. Back the home up.");
            }
        }
        app.close().await;
        Ok(Outcome::Done)
    })
}

/// PEM blocks with a comment each: a file that `assize verify --public-key` reads.
fn print(keys: &TrustedKeys) {
    for trusted in keys.keys() {
        let state = match trusted.retired_at {
            Some(retired_at) => format!("retired {retired_at}"),
            None => "in force".to_owned(),
        };
        println!("# {} ({state})", trusted.key.key_id());
        print!("{}", trusted.key.to_pem());
    }
}

//! `assize master-key generate|rotate`: the key that wraps the keys of stored texts and files.

use assize_server::app::{App, Caller, OrganizationId, SystemRandom};

use super::installation;
use crate::arguments::{MasterKeyCommand, Shared};
use crate::outcome::Outcome;
use crate::settings;

/// Makes or rotates.
pub(crate) fn run(shared: &Shared, command: &MasterKeyCommand) -> anyhow::Result<Outcome> {
    match command {
        MasterKeyCommand::Generate { file } => {
            let id = App::generate_master_key(file, &SystemRandom)?;
            println!("{id} is in {}; it is not in force yet", file.display());
            Ok(Outcome::Done)
        }
        MasterKeyCommand::Rotate { new_key } => {
            let settings = settings::load(shared, Vec::new())?;
            installation::runtime()?.block_on(async {
                let app = installation::open(settings.config).await?;
                let operator = Caller::operator(OrganizationId::public());
                let id = app.rotate_master_key(&operator, new_key.as_deref()).await?;
                app.close().await;
                println!("{id} is in force");
                eprintln!("assize: backups taken before need the old key; keep it until the last of them is gone.");
                Ok(Outcome::Done)
            })
        }
    }
}

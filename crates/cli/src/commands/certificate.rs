//! `assize certificate list|revoke`.

use assize_server::app::{App, Caller, OrganizationId};
use serde_json::json;

use super::installation;
use crate::arguments::{CertificateCommand, Shared};
use crate::outcome::Outcome;
use crate::settings;

/// Lists or revokes.
pub(crate) fn run(shared: &Shared, command: &CertificateCommand) -> anyhow::Result<Outcome> {
    let settings = settings::load(shared, Vec::new())?;
    installation::runtime()?.block_on(async {
        let app = installation::open(settings.config).await?;
        match command {
            CertificateCommand::List { limit, json } => list(&app, *limit, *json).await?,
            CertificateCommand::Revoke { id, reason } => {
                app.revoke_certificate(&Caller::operator(OrganizationId::public()), id, reason).await?;
                println!("{id} is revoked: {reason}");
            }
        }
        app.close().await;
        Ok(Outcome::Done)
    })
}

async fn list(app: &App, limit: u32, json: bool) -> anyhow::Result<()> {
    let certificates = app.certificates(None, limit).await?;
    if json {
        let rows: Vec<_> = certificates
            .iter()
            .map(|certificate| {
                json!({
                    "certificate_id": certificate.id.to_string(),
                    "certification_status": certificate.status,
                    "overall_score": certificate.score,
                    "model_name": certificate.model_name,
                    "organization": certificate.organization_name,
                    "issued_at": certificate.issued_at,
                    "expires_at": certificate.expires_at,
                    "revoked_at": certificate.revoked_at,
                })
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&rows)?);
        return Ok(());
    }
    if certificates.is_empty() {
        println!("No certificates yet. Make one: assize audit data.csv --target COLUMN --protected A,B");
    }
    for certificate in certificates {
        let state = if certificate.revoked_at.is_some() { "REVOKED" } else { certificate.status.as_str() };
        let score = certificate.score.map_or_else(|| "-".to_owned(), |score| format!("{score:.2}"));
        println!("{}  {state:<13}  {score:>6}  {}  {}", certificate.id, certificate.issued_at, certificate.model_name);
    }
    Ok(())
}

//! The tour of `assize serve --demo`: real census data, audited while you watch.

use std::io::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use assize_server::app::{App, AuditRequest, Caller, Fields, JobState, NewAudit, Upload};
use futures::StreamExt as _;
use indicatif::{ProgressBar, ProgressStyle};

/// UCI Adult, CC BY 4.0 (data/samples/README.md); in the binary, so that the tour needs no file beside it.
const ADULT: &[u8] = include_bytes!("../../../../data/samples/adult.csv");
/// Name of the audited model; a home that has a certificate of it has had its tour.
const MODEL: &str = "IncomeClassifier v1.0";

/// Certifies the census data unless that was done before, and says where to look.
pub(crate) async fn fill(app: &App) -> anyhow::Result<()> {
    let address = app.config().public_url();
    let known = app.certificates(None, 100).await?;
    if let Some(certificate) = known.iter().find(|certificate| certificate.model_name == MODEL) {
        println!("  certificate    {address}/verify/{}", certificate.id);
        return Ok(());
    }
    println!("Auditing the Adult census data (32,561 rows) for bias by race, sex and age:");
    let caller = Caller::anonymous(None);
    let job = app.submit_audit(&caller, adult(app)?).await?.id;
    let bar = ProgressBar::new(1_000);
    bar.set_style(ProgressStyle::with_template("  {elapsed_precise} {bar:32} {msg}").context("the progress line")?);
    bar.enable_steady_tick(Duration::from_millis(100));
    let mut states = std::pin::pin!(app.watch_audit(&caller, &job));
    while let Some(state) = states.next().await {
        bar.set_position((state.progress * 1_000.0) as u64);
        bar.set_message(state.step.replace('_', " "));
        if state.state == JobState::Succeeded {
            bar.finish_and_clear();
            let id = state.certificate_id.unwrap_or_default();
            let certificate = app.certificate(&id).await?;
            let status = serde_json::to_value(certificate.body.certification_status)?;
            println!("  {id}: {}, {:.2} of 100", status.as_str().unwrap_or_default(), certificate.body.overall_score);
            println!("  see it         {address}/verify/{id}");
            println!("  all of them    {address}/");
        } else if state.state.is_final() {
            bar.abandon();
            anyhow::bail!("the audit ended without a certificate: {}", state.error.unwrap_or_default());
        }
    }
    std::io::stdout().flush()?;
    Ok(())
}

fn adult(app: &App) -> anyhow::Result<NewAudit> {
    let mut file = tempfile::Builder::new().prefix("tour-").tempfile_in(app.spool())?;
    file.write_all(ADULT)?;
    file.flush()?;
    let fields: Fields = [
        ("model_name", MODEL),
        ("organization", "Research Institute"),
        ("domain", "employment"),
        ("target_column", "income"),
        ("protected_attributes", "race,sex,age"),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .collect();
    Ok(NewAudit {
        dataset: Upload { path: file.into_temp_path(), name: "adult.csv".to_owned(), bytes: ADULT.len() as u64 },
        model: None,
        request: AuditRequest::parse(&fields)?,
    })
}

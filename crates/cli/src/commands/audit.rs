//! `assize audit`: the whole certification on files, without a server. The same operation and the same home as the
//! server's, so the same certificate.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use assize_reports::PaperSize;
use assize_server::app::{
    App, AuditFiles, AuditRequest, Certify, Fields, JobProgress, NamedFile, OrganizationId, PublicCertificate, Stopped,
};
use assize_server::documents;
use assize_tables::source::{self, SourceSettings, Spooled};
use indicatif::{ProgressBar, ProgressStyle};

use super::{installation, model_file};
use crate::arguments::{AuditOptions, Format, Shared};
use crate::outcome::{BadInput, Outcome};
use crate::settings::{self, Flag};

/// Audits, writes what was asked for, and prints a summary.
pub(crate) fn run(shared: &Shared, options: &AuditOptions) -> anyhow::Result<Outcome> {
    let mut flags = Vec::new();
    if let Some(threads) = options.threads {
        flags.push(Flag::new("--threads", "worker.threads", threads));
    }
    let settings = settings::load(shared, flags)?;
    let request = AuditRequest::parse(&fields(options))?;
    let runtime = installation::runtime()?;
    runtime.block_on(async {
        let app = installation::open(settings.config).await?;
        let certificate = certify(&app, options, request).await?;
        let written = write(&app, options, &certificate).await?;
        app.close().await;
        report(options, &certificate, &written)
    })
}

async fn certify(app: &App, options: &AuditOptions, request: AuditRequest) -> anyhow::Result<Arc<PublicCertificate>> {
    let source = Source::open(app, &options.data).await?;
    let model = options.model.as_deref().map(model).transpose()?;
    let dataset = NamedFile { path: source.path().to_path_buf(), name: source.name() };
    let files = AuditFiles { dataset, model };
    let progress = Arc::new(JobProgress::default());
    let bar = tokio::spawn(show(Arc::clone(&progress)));
    let organization = OrganizationId::public();
    let job = app.unqueued_job_id()?;
    let certified =
        app.certify(Certify { organization: &organization, job, lease: None, request, files, progress }).await;
    bar.abort();
    match certified {
        Ok(id) => Ok(app.certificate(&id).await?),
        Err(Stopped::Failed(error)) => Err(anyhow::Error::new(error).context(options.data.clone())),
        Err(stopped @ Stopped::Cancelled) => Err(stopped.into()),
    }
}

fn model(path: &Path) -> anyhow::Result<NamedFile> {
    drop(model_file::open(path).context("--model")?);
    Ok(NamedFile { path: path.to_path_buf(), name: model_file::name(path) })
}

/// The data file: read where it lies, or a copy of what lies in an object store, deleted when dropped.
enum Source {
    Here(PathBuf),
    Fetched(Spooled),
}

impl Source {
    async fn open(app: &App, data: &str) -> anyhow::Result<Self> {
        let local = data.strip_prefix("file://").unwrap_or(data);
        if !local.contains("://") {
            let path = PathBuf::from(local);
            return match path.metadata() {
                Ok(metadata) if metadata.is_file() => Ok(Self::Here(path)),
                Ok(_) => Err(BadInput(format!("{local} is not a file")).into()),
                Err(error) => Err(BadInput(format!("{local} cannot be read: {error}")).into()),
            };
        }
        let settings = SourceSettings {
            bytes_max: app.config().limits.dataset_bytes_max,
            local_root: None,
            store_options: app.config().storage.object_options(),
        };
        let spooled = source::fetch(data, &app.spool(), &settings).await;
        Ok(Self::Fetched(spooled.map_err(|error| BadInput(format!("{data}: {error}")))?))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Here(path) => path,
            Self::Fetched(spooled) => spooled.path(),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Here(path) => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Fetched(spooled) => spooled.name.clone(),
        }
    }
}

/// The form of the request, as the server would receive it.
fn fields(options: &AuditOptions) -> Fields {
    let file_name = Path::new(&options.data).file_name().and_then(|name| name.to_str()).unwrap_or("data");
    let mut fields = Fields::new();
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    set("model_name", Some(options.name.clone().unwrap_or_else(|| file_name.to_owned())));
    set("organization", Some(options.organization.clone()));
    set("domain", Some(options.domain.clone()));
    set("target_column", Some(options.target.clone()));
    set("protected_attributes", Some(options.protected.join(",")));
    set("prediction_column", options.prediction.clone());
    set("score_column", options.score.clone());
    set("sample_weight", options.weight.clone());
    set("positive_label", options.positive.clone());
    set("age_bins", options.age_bins.clone());
    set("reference_group", options.reference.clone());
    set("thresholds", options.thresholds.clone());
    set("strata", options.strata.clone());
    set("seed", options.seed.map(|seed| seed.to_string()));
    fields
}

/// Draws the progress at a terminal; in a pipe it draws nothing.
async fn show(progress: Arc<JobProgress>) {
    let bar = ProgressBar::new(1_000);
    bar.set_style(ProgressStyle::with_template("{elapsed_precise} {bar:32} {msg}").expect("the template is fixed"));
    loop {
        let (step, fraction) = progress.now();
        bar.set_position((fraction * 1_000.0) as u64);
        bar.set_message(step.replace('_', " "));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Writes the asked formats and the public keys into `--out`; answers the paths.
async fn write(app: &App, options: &AuditOptions, certificate: &PublicCertificate) -> anyhow::Result<Vec<PathBuf>> {
    let Some(folder) = &options.out else { return Ok(Vec::new()) };
    std::fs::create_dir_all(folder)
        .map_err(|error| BadInput(format!("--out: {} cannot be made: {error}", folder.display())))?;
    let keys = app.public_keys().await?;
    let mut written = Vec::new();
    let mut put = |name: &str, bytes: &[u8]| -> anyhow::Result<()> {
        let path = folder.join(name);
        std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
        written.push(path);
        Ok(())
    };
    for format in &options.formats {
        match format {
            Format::Json => put("certificate.json", &certificate.document)?,
            Format::Html => put("certificate.html", documents::self_contained_page(certificate, &keys)?.as_bytes())?,
            Format::Pdf => put("certificate.pdf", &documents::pdf(certificate, PaperSize::A4)?)?,
        }
    }
    let pems: String = keys.keys().iter().map(|trusted| trusted.key.to_pem()).collect();
    put("public-key.pem", pems.as_bytes())?;
    Ok(written)
}

fn report(options: &AuditOptions, certificate: &PublicCertificate, written: &[PathBuf]) -> anyhow::Result<Outcome> {
    let body = &certificate.body;
    if options.json {
        println!("{}", std::str::from_utf8(&certificate.document).context("a certificate is UTF-8")?);
    } else {
        let status = serde_json::to_value(body.certification_status)?;
        println!("{}  {}  {:.2}/100", body.certificate_id, status.as_str().unwrap_or_default(), body.overall_score);
        let layers = &body.layer_results;
        println!("  data forensics    {:6.2}  {:?}", layers.data_forensics.health_score, layers.data_forensics.status);
        println!("  stress test       {:6.2}  {:?}", layers.stress_test.bias_score, layers.stress_test.status);
        println!(
            "  fairness metrics  {:6.2}  {:?}",
            layers.fairness_metrics.overall_fairness_score, layers.fairness_metrics.status
        );
        for step in &body.remediation_checklist {
            println!("  - {step}");
        }
        for path in written {
            println!("  wrote {}", path.display());
        }
    }
    match options.fail_under {
        Some(least) if body.overall_score < least => {
            eprintln!("assize: the score {:.2} is under {least}", body.overall_score);
            Ok(Outcome::DoesNotPass)
        }
        _ => Ok(Outcome::Done),
    }
}

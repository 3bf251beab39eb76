//! Bodies of this interface. The certificate itself is not built here: its canonical bytes are served as they were
//! sealed. [`Certificate`] only describes them for the OpenAPI document.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::app::{JobState, JobView};

/// The form of `POST /audit/full`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form; the parts are received one by one in upload.rs")]
pub(crate) struct AuditForm {
    /// CSV or Parquet file with all protected attributes and the target column.
    #[schema(format = Binary, value_type = String)]
    dataset_file: Vec<u8>,
    /// Model: scikit-learn in joblib or pickle, read as data and never executed. Without one, and without a prediction
    /// or score column, a random forest is trained and judged on rows it has not seen.
    #[schema(format = Binary, value_type = Option<String>)]
    model_file: Option<Vec<u8>>,
    /// Human-readable name of the model.
    #[schema(example = "LoanScorer v2.1")]
    model_name: String,
    /// Who submits the audit.
    #[schema(example = "Acme Bank")]
    organization: String,
    /// hiring, loan, healthcare, benefits, or any other word.
    #[schema(example = "employment")]
    domain: String,
    /// Column with the binary outcome.
    #[schema(example = "income")]
    target_column: String,
    /// Comma-separated columns to audit for fairness.
    #[schema(example = "race,sex,age")]
    protected_attributes: String,
    /// Column with the decisions, when they are in the file.
    prediction_column: Option<String>,
    /// Column with scores from 0 to 1.
    score_column: Option<String>,
    /// Column with row weights.
    sample_weight: Option<String>,
    /// The favourable value of the outcome.
    #[schema(example = ">50K")]
    positive_label: Option<String>,
    /// Cut points of numeric protected attributes.
    #[schema(example = "25,40,65")]
    age_bins: Option<String>,
    /// Group that others are compared with, by attribute.
    #[schema(example = "race=White,sex=Male")]
    reference_group: Option<String>,
    /// JSON object of thresholds that differ from the domain's.
    #[schema(example = "{\"disparate_impact_min\": 0.8}")]
    thresholds: Option<String>,
    /// Columns within whose values disparity is compared.
    strata: Option<String>,
    /// Seed of every random draw.
    #[schema(example = 7)]
    seed: Option<u64>,
    /// A registered model that the audit belongs to.
    model_id: Option<String>,
}

/// An audit as a job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditJob {
    /// Its id.
    #[schema(example = "job_0190c2b4ffff70008000000000000001")]
    job_id: String,
    /// `queued`, `running`, `succeeded`, `failed` or `cancelled`.
    #[schema(example = "running")]
    pub(super) state: &'static str,
    /// How far it is, 0 to 1.
    #[schema(example = 0.4)]
    progress: f64,
    /// What it does now.
    #[schema(example = "fairness_metrics")]
    step: String,
    /// The certificate, once issued.
    #[schema(example = "MP-2026-000001")]
    certificate_id: Option<String>,
    /// Where the certificate is, once issued.
    certificate_url: Option<String>,
    /// Why it failed.
    detail: Option<String>,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it was first started.
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
    /// Address of this job.
    pub(super) url: String,
    /// Address of its events.
    events_url: String,
    #[serde(skip)]
    finished: bool,
}

impl AuditJob {
    /// Whether the state will not change any more.
    pub(super) fn is_final(&self) -> bool {
        self.finished
    }
}

impl From<JobView> for AuditJob {
    fn from(job: JobView) -> Self {
        let url = format!("/audit/jobs/{}", job.id.as_str());
        let state: JobState = job.state;
        Self {
            job_id: job.id.as_str().to_owned(),
            state: state.as_str(),
            progress: job.progress,
            step: job.step,
            certificate_url: job.certificate_id.as_ref().map(|id| format!("/verify/{id}")),
            certificate_id: job.certificate_id,
            detail: job.error,
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            events_url: format!("{url}/events"),
            finished: state.is_final(),
            url,
        }
    }
}

/// A certificate as sealed. Members beyond those described here hold the evidence; `sha256_hash` covers all of them.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct SealedCertificate {
    /// `MP-YYYY-NNNNNN`.
    #[schema(example = "MP-2026-000001")]
    certificate_id: String,
    /// CERTIFIED, CONDITIONAL or NOT CERTIFIED.
    #[schema(example = "NOT CERTIFIED")]
    certification_status: String,
    /// 0 to 100.
    #[schema(example = 57.23)]
    overall_score: f64,
    /// As submitted.
    #[schema(example = "IncomeClassifier v1.0")]
    model_name: String,
    /// As submitted.
    #[schema(example = "Research Institute")]
    organization: String,
    /// As submitted.
    #[schema(example = "employment")]
    domain: String,
    /// When it was issued.
    #[schema(example = "2026-04-18T14:32:00Z")]
    issued_at: String,
    /// When it ceases to be valid.
    #[schema(example = "2027-04-18T14:32:00Z")]
    expires_at: String,
    /// SHA-256 over the RFC 8785 form of the certificate without hash, signature and log proof.
    sha256_hash: String,
    /// Address of the public page.
    verify_url: String,
    /// What was measured, in words.
    narrative: String,
    /// What to do, worst first.
    remediation_checklist: Vec<String>,
    /// The four layers.
    layer_results: LayerResults,
    /// The DSSE envelope over an in-toto statement.
    #[schema(value_type = Object)]
    signature: (),
    /// Place in the transparency log, with inclusion proof and checkpoint.
    #[schema(value_type = Object)]
    log: (),
}

/// What is known about a certificate today.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are put together by `attestation`")]
struct Today {
    /// Whether every check passes today.
    valid: bool,
    /// Whether it was withdrawn.
    revoked: bool,
    /// Why and when it was withdrawn, signed; null when it was not.
    #[schema(value_type = Option<Object>)]
    revocation: Option<()>,
    /// Each check by name: `passed`, `failed` or `not_checked`.
    #[schema(value_type = Object)]
    checks: (),
}

/// A [`SealedCertificate`] with what is known about it [`Today`]: one object, described as one.
pub(crate) struct Certificate;

impl ToSchema for Certificate {
    fn name() -> std::borrow::Cow<'static, str> {
        "Certificate".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        SealedCertificate::schemas(schemas);
    }
}

impl PartialSchema for Certificate {
    fn schema() -> RefOr<Schema> {
        let (RefOr::T(Schema::Object(mut whole)), RefOr::T(Schema::Object(today))) =
            (SealedCertificate::schema(), Today::schema())
        else {
            unreachable!("structs are described as objects");
        };
        whole.properties.extend(today.properties);
        whole.required.extend(today.required);
        whole.description = Some(
            "A certificate, as sealed, with what is known about it today (`valid`, `revoked`, `revocation`, `checks`). \
             Members beyond those described here hold the evidence; `sha256_hash` covers those that were sealed."
                .to_owned(),
        );
        RefOr::T(Schema::Object(whole))
    }
}

/// One server-sent event.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what is written as an event stream")]
pub(crate) struct AuditEvent {
    /// `progress`, or the final state: `succeeded`, `failed`, `cancelled`.
    #[schema(example = "progress")]
    event: String,
    /// The job (`AuditJob`) as JSON text.
    data: String,
}

/// The four layers of the audit.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct LayerResults {
    /// The data.
    data_forensics: DataForensics,
    /// The decisions under stress.
    stress_test: StressTest,
    /// The metrics.
    fairness_metrics: FairnessMetrics,
    /// The results told to people.
    gemini_governance: GeminiGovernance,
}

/// Layer 1.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct DataForensics {
    /// 0 to 100.
    health_score: f64,
    /// PASS, WARN or FAIL.
    status: String,
    /// Sentences.
    warnings: Vec<String>,
}

/// Layer 2.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct StressTest {
    /// 0 to 100.
    bias_score: f64,
    /// PASS, WARN or FAIL.
    status: String,
}

/// Layer 3.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct FairnessMetrics {
    /// 0 to 100.
    overall_fairness_score: f64,
    /// PASS, WARN or FAIL.
    status: String,
}

/// Layer 4.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct GeminiGovernance {
    /// ok, fallback, disabled or error.
    gemini_status: String,
    /// Counts by severity.
    severity_summary: SeveritySummary,
}

/// Counts by severity.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes bytes that are served as they were sealed")]
pub(crate) struct SeveritySummary {
    /// LOW, MEDIUM, HIGH or CRITICAL.
    overall_risk_level: String,
    /// Failed findings of severity critical.
    total_critical_warnings: u32,
}

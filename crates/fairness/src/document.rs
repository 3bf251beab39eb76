//! The certificate body: the versioned document that an audit ends in, that is hashed, signed, stored, shown and
//! verified for years. Plain data, no behaviour; every number here was measured in the run that the document names.
//!
//! Reading order: [`CertificateBody`] at the top, then what was audited ([`Subject`]), how ([`Parameters`]), the four
//! layers ([`LayerResults`]), then the small shared types ([`Estimate`], [`Verdict`], [`Finding`]).
//!
//! Invariants: every field is deterministic for the same input, version and seed, except the five in
//! [`CertificateBody`] that say who issued it when; an undefined number is `None` with a reason, never zero; no field
//! holds a row of the data. The field names of the ModelPassport interface are facts of the wire. A change of shape
//! raises [`SCHEMA_VERSION`] and the old example file must keep loading.

mod explanation;
mod forensics;
mod metrics;
mod stress;

use serde::{Deserialize, Serialize};

pub use explanation::{ColumnContribution, Contribution, Dependence, DependencePoint, Explanation, GroupContribution};
pub use forensics::{ColumnNote, DataForensics, JointProxy, Leakage, Missingness, Proxy, Representation};
pub use metrics::{
    AttributeMetrics, CalibrationBin, ChiSquared, ConditionalDisparity, DifferentialFairness, FairnessMetrics,
    GroupMetrics, GroupScores, Inequality, Ll144Row, NumericAttribute, SweepPoint,
};
pub use stress::{Flip, FlipTo, Perturbation, Shift, Stability, StressTest, Subgroup};

/// Version of the shape below; stored documents name the one they were written with.
///
/// 1: the first. 2: `explanation`.
pub const SCHEMA_VERSION: u32 = 2;

/// Everything in a certificate but its hash, signature and log proof.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CertificateBody {
    /// [`SCHEMA_VERSION`] of the writer.
    pub schema_version: u32,
    /// `MP-YYYY-NNNNNN`, gapless per year. Identity, not measurement.
    pub certificate_id: String,
    /// CERTIFIED, CONDITIONAL or NOT CERTIFIED.
    pub certification_status: CertificationStatus,
    /// Weighted mean of the layer scores, 0 to 100, two decimals; the formula is in `method.score_formula`.
    pub overall_score: f64,
    /// As submitted.
    pub model_name: String,
    /// As submitted.
    pub organization: String,
    /// As submitted; `parameters.domain_profile` says which rules it chose.
    pub domain: String,
    /// RFC 3339, seconds, UTC. Time of issue, not of measurement.
    pub issued_at: String,
    /// RFC 3339, seconds, UTC: after it the certificate no longer verifies as current.
    pub expires_at: String,
    /// Absolute address of the public page.
    pub verify_url: String,
    /// Index in the transparency log of the commitment made before the run (data digest, parameters, seed).
    pub commitment_index: u64,
    /// Text for people, from `layer_results.gemini_governance`.
    pub narrative: String,
    /// One sentence an entry: the measured cause, what to do, the expected effect.
    pub remediation_checklist: Vec<String>,
    /// What was audited, by digest.
    pub subject: Subject,
    /// Everything that, with the subject and the version, repeats the run to the digit.
    pub parameters: Parameters,
    /// The four layers.
    pub layer_results: LayerResults,
    /// Every test that was made, with its verdict: the evidence behind the statuses. Worst first.
    pub findings: Vec<Finding>,
    /// Computed remedies with their price.
    pub mitigations: Vec<Mitigation>,
    /// What the decisions rest on, by group; absent when the decisions are a column, and before version 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// Method, limits and law, in words and references.
    pub method: Method,
}

/// The verdict over the whole audit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CertificationStatus {
    /// Score of at least 80 and no failed layer.
    #[serde(rename = "CERTIFIED")]
    Certified,
    /// Score of at least 60 and no critical finding failed.
    #[serde(rename = "CONDITIONAL")]
    Conditional,
    /// Anything else.
    #[serde(rename = "NOT CERTIFIED")]
    NotCertified,
}

/// What was audited. Digests are lowercase hex SHA-256 of the bytes as handed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// The data file.
    pub dataset: DatasetSubject,
    /// The model, or where the predictions came from.
    pub model: ModelSubject,
}

/// The data file and how it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetSubject {
    /// File name without folders.
    pub name: String,
    /// SHA-256 of the file.
    pub sha256: String,
    /// Size in bytes.
    pub bytes: u64,
    /// `csv` or `parquet`.
    pub format: String,
    /// For CSV: `utf-8`, `utf-8-bom`, `latin-1`.
    pub encoding: Option<String>,
    /// For CSV: the field separator.
    pub delimiter: Option<String>,
    /// Data rows.
    pub rows: u64,
    /// Columns with the type that was inferred.
    pub columns: Vec<ColumnSubject>,
}

/// One column as read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnSubject {
    /// Header name, trimmed.
    pub name: String,
    /// `numeric`, `categorical`, `constant`, `empty`.
    pub kind: String,
    /// Cells that are missing.
    pub missing: u64,
    /// Distinct values present; `None` when over the counting bound.
    pub distinct: Option<u64>,
    /// `protected`, `target`, `prediction`, `score`, `weight`, `feature`, `left_out`.
    pub role: String,
}

/// Where the decisions came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelSubject {
    /// A random forest trained here on the training split.
    TrainedForest {
        /// Rows it was trained on.
        training_rows: u64,
        /// Rows never seen in training, on which everything was measured.
        evaluation_rows: u64,
        /// Trees.
        trees: u32,
        /// Area under the ROC curve on the evaluation rows.
        auc: Option<f64>,
        /// Share of evaluation rows decided as labelled.
        accuracy: f64,
        /// Columns it used.
        features: Vec<String>,
    },
    /// Predictions were a column of the data.
    PredictionColumn {
        /// Its name.
        column: String,
        /// The score column, when one was given.
        score_column: Option<String>,
        /// Value of the decision column that counts as favourable.
        #[serde(default)]
        favourable: Option<String>,
    },
    /// A model file, read without executing it.
    File {
        /// File name without folders.
        name: String,
        /// SHA-256 of the file.
        sha256: String,
        /// What it is, e.g. `sklearn.ensemble.RandomForestClassifier 1.7.2`.
        description: String,
        /// Columns it used.
        features: Vec<String>,
        /// Said plainly: whether the audited rows may have been its training rows.
        training_overlap: String,
    },
}

/// The choices of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// Version of the measuring code.
    pub assize_version: String,
    /// Seed of every random draw.
    pub seed: u64,
    /// The outcome column.
    pub target_column: String,
    /// The favourable value of the outcome, as spelled in the data.
    pub positive_label: String,
    /// Why that value: `given`, `convention` (1, true, yes ...) or `rarer`.
    pub positive_label_rule: String,
    /// The other value of the outcome.
    pub negative_label: String,
    /// Protected columns in the order given.
    pub protected_attributes: Vec<String>,
    /// Column with the decisions, when they were in the data.
    #[serde(default)]
    pub prediction_column: Option<String>,
    /// Column with the scores, when they were in the data.
    #[serde(default)]
    pub score_column: Option<String>,
    /// Columns of legitimate strata.
    #[serde(default)]
    pub strata: Vec<String>,
    /// Band edges of numeric protected columns; bands are open below and closed above: `(a, b]`.
    pub bands: Vec<Bands>,
    /// Reference group per attribute, with the rule that chose it.
    pub reference_groups: Vec<ReferenceGroup>,
    /// Decision cut-off on the score, when there is a score.
    pub decision_threshold: Option<f64>,
    /// Row weights, when given.
    pub weight_column: Option<String>,
    /// Domain file entry that was applied, e.g. `employment`.
    pub domain_profile: String,
    /// Test thresholds in force.
    pub thresholds: Thresholds,
    /// Bootstrap resamples of the cells.
    pub resamples: u32,
    /// Confidence level of every interval, e.g. 0.95.
    pub confidence: f64,
    /// Multiple-testing correction, e.g. `holm`.
    pub correction: String,
}

/// Bands of one numeric protected attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bands {
    /// Column.
    pub column: String,
    /// Inner edges, ascending; below the first and above the last are bands too.
    pub edges: Vec<f64>,
    /// `given`, `law` (an age limit of a cited law), `domain` (usual in the domain) or `quantiles`.
    pub rule: String,
    /// Names of the bands, in order.
    pub labels: Vec<String>,
}

/// The group others are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReferenceGroup {
    /// Attribute or intersection, e.g. `race` or `race x sex`.
    pub attribute: String,
    /// Group name.
    pub group: String,
    /// `given` or `highest selection rate` (29 CFR 1607.4(D)).
    pub rule: String,
}

/// Limits that verdicts are held against. Rates are shares 0 to 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Thresholds {
    /// Disparate impact ratio below which a group fails (0.8: 29 CFR 1607.4(D)).
    pub disparate_impact_min: f64,
    /// Largest demographic parity difference.
    pub demographic_parity_difference_max: f64,
    /// Largest equal opportunity (TPR) difference.
    pub equal_opportunity_difference_max: f64,
    /// Largest equalized odds difference.
    pub equalized_odds_difference_max: f64,
    /// Largest predictive parity (PPV) difference.
    pub predictive_parity_difference_max: f64,
    /// Largest accuracy difference.
    pub accuracy_difference_max: f64,
    /// Largest calibration error of a group.
    pub calibration_error_max: f64,
    /// Largest share of rows whose decision changes with the protected value alone.
    pub flip_rate_max: f64,
    /// Smallest denominator of a rate that is scored.
    pub group_size_min: u64,
    /// Groups under this share of the rows may be left out of the LL144 table (6 RCNY 5-300).
    pub group_share_min: f64,
}

/// The four layers, under the names of the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LayerResults {
    /// Layer 1.
    pub data_forensics: DataForensics,
    /// Layer 2.
    pub stress_test: StressTest,
    /// Layer 3.
    pub fairness_metrics: FairnessMetrics,
    /// Layer 4.
    pub gemini_governance: Governance,
}

/// Status of a layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// Nothing failed, enough was measured.
    #[serde(rename = "PASS")]
    Pass,
    /// Something to look at, or too little data to say.
    #[serde(rename = "WARN")]
    Warn,
    /// Something failed.
    #[serde(rename = "FAIL")]
    Fail,
}

/// Verdict of one test. "Not" states are answers, never a silent pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The interval lies wholly beyond the threshold.
    Fail,
    /// The interval crosses the threshold, or a group is under the minimum size.
    NotEnoughData,
    /// The inputs for it were not handed in.
    NotAssessed,
    /// The interval lies wholly inside.
    Pass,
}

/// How much a finding matters when it fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Counted in `total_critical_warnings`.
    Critical,
    /// Serious.
    High,
    /// Worth mending.
    Medium,
    /// Note.
    Low,
}

/// A number with its interval; undefined is `value: None` and a reason.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Estimate {
    /// The point estimate.
    pub value: Option<f64>,
    /// Interval `[low, high]` at `parameters.confidence`.
    pub interval: Option<[f64; 2]>,
    /// The denominator behind it (rows).
    pub n: u64,
    /// Why there is no value, or why the value is not scored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// An aggregate over the groups of an attribute, held against a threshold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tested {
    /// The number with its bootstrap interval.
    pub estimate: Estimate,
    /// The threshold it was held against.
    pub threshold: f64,
    /// The verdict.
    pub verdict: Verdict,
    /// The groups at the two ends, worst first, e.g. `["Female", "Male"]`; empty when undefined.
    pub groups: Vec<String>,
    /// Of the hypothesis of equality; before correction.
    pub p_value: Option<f64>,
    /// After the correction over all tests of the certificate.
    pub p_adjusted: Option<f64>,
}

/// One term of a score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreTerm {
    /// What it stands for.
    pub name: String,
    /// Points taken off (positive) from 100.
    pub points: f64,
    /// Why, with the measured number.
    pub reason: String,
}

/// A group with a share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// Group.
    pub group: String,
    /// Share with its Wilson interval.
    pub share: Estimate,
}

/// A named number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedValue {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Option<f64>,
}

/// One test, its verdict, in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Stable code, e.g. `bias.disparate_impact`.
    pub code: String,
    /// `data_forensics`, `stress_test`, `fairness_metrics`.
    pub layer: String,
    /// How much it matters.
    pub severity: Severity,
    /// The verdict.
    pub verdict: Verdict,
    /// Attribute, intersection or column it is about.
    pub about: String,
    /// Groups concerned, worst first.
    pub groups: Vec<String>,
    /// The number behind it.
    pub estimate: Estimate,
    /// The threshold, when there is one.
    pub threshold: Option<f64>,
    /// After correction, when a significance test belongs to it.
    pub p_adjusted: Option<f64>,
    /// One plain sentence with the numbers in it.
    pub message: String,
    /// Law, article or paper, e.g. `29 CFR 1607.4(D)`.
    pub reference: String,
}

/// A remedy that was computed, with its price.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mitigation {
    /// `group_thresholds`, `reweighing`, `single_threshold`, `drop_proxy`.
    pub kind: String,
    /// Attribute it is for.
    pub attribute: String,
    /// What it aims at: `demographic_parity`, `equal_opportunity`, `equalized_odds`, `disparate_impact`.
    pub goal: String,
    /// The numbers to apply, e.g. threshold or weight by group (and label).
    pub settings: Vec<NamedValue>,
    /// Metric before.
    pub before: Option<f64>,
    /// Metric after, measured.
    pub after: Option<f64>,
    /// Accuracy before.
    pub accuracy_before: Option<f64>,
    /// Accuracy after, measured.
    pub accuracy_after: Option<f64>,
    /// Decisions that change, by group.
    pub changed: Vec<NamedValue>,
    /// In words, with the legal warning where one is due (disparate treatment).
    pub note: String,
}

/// Layer 4: the measured results told to people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Governance {
    /// `ok`, `fallback`, `disabled` or `error`.
    pub gemini_status: String,
    /// Who wrote the narrative: `template` or the model's name.
    pub narrative_source: String,
    /// Summary by severity.
    pub severity_summary: SeveritySummary,
    /// Numbers in the narrative that were checked against the measurement.
    pub numbers_checked: u32,
    /// Why an answer of a model was not used.
    pub note: Option<String>,
    /// What to do, in order, as sentences.
    pub checklist: Vec<String>,
}

/// Counts by severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeveritySummary {
    /// `LOW`, `MEDIUM`, `HIGH` or `CRITICAL`.
    pub overall_risk_level: String,
    /// Failed findings of severity critical.
    pub total_critical_warnings: u32,
    /// Failed findings of severity high.
    pub total_high_warnings: u32,
    /// Failed findings of severity medium.
    pub total_medium_warnings: u32,
    /// Findings without enough data.
    pub total_not_enough_data: u32,
}

/// How it was measured, what it cannot say, and the law behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Method {
    /// The formula of `overall_score` with its weights.
    pub score_formula: String,
    /// What the audit did, in sentences.
    pub steps: Vec<String>,
    /// What it cannot say.
    pub limits: Vec<String>,
    /// Law cited for the domain.
    pub law: Vec<LawReference>,
}

/// A law that the domain profile cites.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LawReference {
    /// Short name.
    pub name: String,
    /// Article or section.
    pub reference: String,
    /// Why it is cited.
    pub why: String,
}

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

use serde::{Deserialize, Serialize};

/// Version of the shape below; stored documents name the one they were written with.
pub const SCHEMA_VERSION: u32 = 1;

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
    /// Groups under this share of the rows may be left out of the LL144 table (1 RCNY 5-300).
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

/// Layer 1: the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DataForensics {
    /// 0 to 100, two decimals.
    pub health_score: f64,
    /// Layer status.
    pub status: Status,
    /// The failed and doubtful findings of the layer, as sentences.
    pub warnings: Vec<String>,
    /// What was taken off the score, term by term.
    pub score_terms: Vec<ScoreTerm>,
    /// Rows looked at: all, or a stated sample of a large file.
    #[serde(default)]
    pub rows_examined: u64,
    /// Rows equal to an earlier row in every column, among those examined.
    pub duplicate_rows: u64,
    /// Share of favourable labels over all rows.
    pub base_rate: f64,
    /// Rows left out because the label was missing.
    pub rows_without_label: u64,
    /// Sizes, shares and label rates by group.
    pub representation: Vec<Representation>,
    /// Missing cells by group, for the columns that miss any.
    pub missingness: Vec<Missingness>,
    /// How far single columns stand for a protected attribute, strongest first.
    pub proxies: Vec<Proxy>,
    /// How well all other columns together predict each protected attribute.
    pub joint_proxies: Vec<JointProxy>,
    /// Columns that alone predict the target too well.
    pub leakage: Vec<Leakage>,
    /// Columns that look like identifiers, are constant, or hold personal data.
    pub column_notes: Vec<ColumnNote>,
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

/// Who is in the data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Representation {
    /// Attribute.
    pub attribute: String,
    /// Group.
    pub group: String,
    /// Rows.
    pub n: u64,
    /// Share of all rows.
    pub share: f64,
    /// Share expected, when reference shares were given.
    pub reference_share: Option<f64>,
    /// Share of favourable labels.
    pub base_rate: Estimate,
}

/// Missing cells of one column by group of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Missingness {
    /// Column with missing cells.
    pub column: String,
    /// Attribute.
    pub attribute: String,
    /// Group name and share missing, in group order.
    pub by_group: Vec<GroupShare>,
    /// Bias-corrected Cramer's V of missing x group.
    pub cramers_v: f64,
    /// Chi-squared test of independence.
    pub p_value: Option<f64>,
}

/// A group with a share.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupShare {
    /// Group.
    pub group: String,
    /// Share with its Wilson interval.
    pub share: Estimate,
}

/// A column that stands for a protected attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Proxy {
    /// Protected attribute.
    pub attribute: String,
    /// Column.
    pub column: String,
    /// Bias-corrected Cramer's V (Bergsma 2013), 0 to 1.
    pub cramers_v: f64,
    /// Cramer's V without the correction, as other tools print it, 0 to 1.
    #[serde(default)]
    pub cramers_v_uncorrected: f64,
    /// Mutual information over the smaller entropy, 0 to 1.
    pub normalized_mutual_information: f64,
}

/// All other columns against one protected attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JointProxy {
    /// Protected attribute.
    pub attribute: String,
    /// Out-of-sample AUC (mean one-vs-rest over groups large enough), 0.5 = no trace.
    pub auc: Option<f64>,
    /// The columns that carry most of it, strongest first.
    pub columns: Vec<String>,
    /// Why there is no AUC.
    pub reason: Option<String>,
}

/// A column that gives the target away.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Leakage {
    /// Column.
    pub column: String,
    /// AUC of this column alone.
    pub auc: f64,
    /// What was seen.
    pub note: String,
}

/// A remark on a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnNote {
    /// Column.
    pub column: String,
    /// `identifier`, `constant`, `personal_data`, `outliers`, `mostly_missing`.
    pub kind: String,
    /// What was seen, with numbers; never a value that could name a person.
    pub note: String,
}

/// Layer 2: the decisions under change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StressTest {
    /// 0 to 100, two decimals; higher is less biased.
    pub bias_score: f64,
    /// Layer status.
    pub status: Status,
    /// What was taken off the score.
    pub score_terms: Vec<ScoreTerm>,
    /// Counterfactual flips; empty with the reason in `flips_reason` when no model could be asked.
    pub flips: Vec<Flip>,
    /// Why there are no flips.
    pub flips_reason: Option<String>,
    /// Decisions under small changes of the other columns, by group.
    pub perturbations: Vec<Perturbation>,
    /// Metrics when group shares are shifted by re-weighting.
    pub shifts: Vec<Shift>,
    /// The worst subgroups found by search to depth 3, worst first.
    pub worst_subgroups: Vec<Subgroup>,
    /// How stable the verdict is over resamples: share of resamples with the same disparate impact verdict.
    pub stability: Vec<Stability>,
}

/// What happens when only the protected value is replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Flip {
    /// Protected attribute, or `race x sex` for a pair flipped together.
    pub attribute: String,
    /// Share of rows whose decision changes under at least one replacement.
    pub flip_rate: Estimate,
    /// Share that becomes favourable minus share that becomes unfavourable, per replacement value.
    pub to_value: Vec<FlipTo>,
    /// Mean over rows of the largest change of score.
    pub mean_max_score_change: Option<f64>,
}

/// One replacement value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FlipTo {
    /// Everybody set to this group.
    pub group: String,
    /// Share of rows that become favourable.
    pub gained: f64,
    /// Share of rows that become unfavourable.
    pub lost: f64,
}

/// Decisions under noise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Perturbation {
    /// Attribute.
    pub attribute: String,
    /// e.g. `numeric +-1 % of range`, `numeric +-5 % of range`, `one category swapped`.
    pub change: String,
    /// Share of changed decisions by group.
    pub by_group: Vec<GroupShare>,
    /// Largest minus smallest over groups large enough.
    pub range: Option<f64>,
}

/// Metrics under a shifted population.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shift {
    /// Attribute whose shares are shifted.
    pub attribute: String,
    /// In words, e.g. `Female share doubled`.
    pub shift: String,
    /// Overall selection rate after.
    pub selection_rate: f64,
    /// Overall accuracy after; `None` without labels.
    pub accuracy: Option<f64>,
}

/// A subgroup in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subgroup {
    /// e.g. `sex = Female and age = (25, 35]`.
    pub description: String,
    /// Rows.
    pub n: u64,
    /// Selection rate.
    pub selection_rate: Estimate,
    /// Selection rate of everybody else.
    pub rest_selection_rate: f64,
    /// After correction over all subgroups searched.
    pub p_adjusted: f64,
    /// How many subgroups were searched.
    pub searched: u64,
}

/// Agreement of a verdict over resamples.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stability {
    /// Attribute.
    pub attribute: String,
    /// Share of bootstrap resamples on the same side of the four-fifths line.
    pub agreement: f64,
}

/// Layer 3: the metrics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FairnessMetrics {
    /// 0 to 100, two decimals.
    pub overall_fairness_score: f64,
    /// Layer status.
    pub status: Status,
    /// What was taken off the score.
    pub score_terms: Vec<ScoreTerm>,
    /// Rows measured on.
    pub rows: u64,
    /// One entry a protected attribute.
    pub attributes: Vec<AttributeMetrics>,
    /// One entry a combination of two or three.
    pub intersections: Vec<AttributeMetrics>,
    /// Individual and inequality measures over all rows.
    pub inequality: Inequality,
    /// Cut-offs over the score; empty without a score.
    pub threshold_sweep: Vec<SweepPoint>,
    /// Band-free tests of numeric protected attributes.
    pub numeric_attributes: Vec<NumericAttribute>,
    /// Kleinberg 2017, Chouldechova 2017: what cannot hold at once here, and which the domain should hold.
    pub impossibility: Option<String>,
}

/// Metrics over the groups of one attribute or intersection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeMetrics {
    /// `race`, or `race x sex`.
    pub attribute: String,
    /// Columns it is made of.
    pub columns: Vec<String>,
    /// The group others are compared with.
    pub reference_group: String,
    /// All groups, the small ones too, sorted by name; `(missing)` is a group of its own.
    pub groups: Vec<GroupMetrics>,
    /// Groups under the minimum size.
    pub small_groups: Vec<String>,
    /// Rows in them.
    pub rows_in_small_groups: u64,
    /// max SR - min SR.
    pub demographic_parity_difference: Tested,
    /// min SR / max SR.
    pub demographic_parity_ratio: Tested,
    /// max TPR - min TPR.
    pub equal_opportunity_difference: Tested,
    /// max(TPR range, FPR range).
    pub equalized_odds_difference: Tested,
    /// min(TPR ratio, FPR ratio).
    pub equalized_odds_ratio: Tested,
    /// Mean of FPR and TPR differences to the reference, worst group.
    pub average_odds_difference: Tested,
    /// max PPV - min PPV.
    pub predictive_parity_difference: Tested,
    /// max accuracy - min accuracy.
    pub accuracy_difference: Tested,
    /// Largest group calibration error.
    pub calibration_error: Tested,
    /// Largest difference of AUC between groups.
    pub auc_difference: Tested,
    /// Area between the ROC curves of the worst pair (Gardner 2019).
    pub abroca: Estimate,
    /// Chi-squared over groups x decision.
    pub selection_chi2: ChiSquared,
    /// Smoothed differential fairness epsilon (Foulds 2020) with the pair that causes it.
    pub differential_fairness: DifferentialFairness,
    /// Conditional demographic disparity by stratum columns, when given.
    pub conditional_demographic_disparity: Vec<ConditionalDisparity>,
    /// Rows of the New York City LL144 table.
    pub ll144: Vec<Ll144Row>,
}

/// A chi-squared test.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChiSquared {
    /// Statistic; `None` when undefined.
    pub chi2: Option<f64>,
    /// Degrees of freedom.
    pub dof: u32,
    /// p-value.
    pub p: Option<f64>,
}

/// Differential fairness.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DifferentialFairness {
    /// Epsilon.
    pub epsilon: Option<f64>,
    /// The pair that causes it.
    pub groups: Vec<String>,
}

/// Disparity within strata.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConditionalDisparity {
    /// Stratum column.
    pub stratum: String,
    /// Group.
    pub group: String,
    /// Wachter 2021: weighted mean over strata of (share among rejected - share among accepted).
    pub value: f64,
}

/// One row of the table New York City asks for (1 RCNY 5-301).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ll144Row {
    /// Group.
    pub group: String,
    /// Applicants.
    pub n: u64,
    /// Share of applicants.
    pub share: f64,
    /// Selection rate.
    pub selection_rate: Option<f64>,
    /// SR over the highest SR.
    pub impact_ratio: Option<f64>,
    /// Share scored over the median of the whole sample.
    pub scoring_rate: Option<f64>,
    /// Scoring rate over the highest.
    pub scoring_impact_ratio: Option<f64>,
    /// Left out of the ratios: under 2 % of the rows.
    pub left_out: bool,
}

/// One group: counts first, then rates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupMetrics {
    /// Group name; parts of an intersection joined by ` | `.
    pub group: String,
    /// Rows.
    pub n: u64,
    /// Favourable label, favourable decision.
    pub tp: u64,
    /// Unfavourable label, favourable decision.
    pub fp: u64,
    /// Favourable label, unfavourable decision.
    #[serde(rename = "fn")]
    pub fn_: u64,
    /// Unfavourable label, unfavourable decision.
    pub tn: u64,
    /// Under the minimum size: reported, never scored.
    pub small: bool,
    /// (TP+FN)/n.
    pub base_rate: Estimate,
    /// (TP+FP)/n.
    pub selection_rate: Estimate,
    /// TP/(TP+FN).
    pub tpr: Estimate,
    /// FP/(FP+TN).
    pub fpr: Estimate,
    /// TN/(FP+TN).
    pub tnr: Estimate,
    /// FN/(TP+FN).
    pub fnr: Estimate,
    /// TP/(TP+FP), precision.
    pub ppv: Estimate,
    /// TN/(TN+FN).
    pub npv: Estimate,
    /// 1 - PPV.
    pub fdr: Estimate,
    /// 1 - NPV.
    #[serde(rename = "for")]
    pub for_: Estimate,
    /// (TP+TN)/n.
    pub accuracy: Estimate,
    /// (TPR+TNR)/2.
    pub balanced_accuracy: Option<f64>,
    /// 2TP/(2TP+FP+FN).
    pub f1: Option<f64>,
    /// FN/FP (Berk 2018).
    pub treatment_equality: Option<f64>,
    /// SR / SR of the reference, Katz interval.
    pub disparate_impact: Estimate,
    /// SR - SR of the reference, Newcombe interval.
    pub selection_rate_difference: Estimate,
    /// Verdict of the disparate impact against the threshold.
    pub disparate_impact_verdict: Verdict,
    /// Of equal selection rates with the reference: z, or Fisher below 5 expected; before correction.
    pub p_value: Option<f64>,
    /// After correction.
    pub p_adjusted: Option<f64>,
    /// Score measures; `None` without a score.
    pub scores: Option<GroupScores>,
}

/// Measures of a group that need a score. Scores are held in 1,024 bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupScores {
    /// Mean score.
    pub mean: f64,
    /// P(S+ > S-) + 0.5 ties.
    pub auc: Estimate,
    /// Expected calibration error over 10 equal-count bins.
    pub calibration_error: Estimate,
    /// Slope of logit(Y) on logit(S).
    pub calibration_slope: Option<f64>,
    /// Intercept of the same.
    pub calibration_intercept: Option<f64>,
    /// Mean (S-Y)^2.
    pub brier: Option<f64>,
    /// E[S | Y=1].
    pub balance_positive: Option<f64>,
    /// E[S | Y=0].
    pub balance_negative: Option<f64>,
    /// P(S of positives here > S of negatives of the reference).
    pub xauc: Option<f64>,
    /// The bins of the reliability diagram.
    pub bins: Vec<CalibrationBin>,
}

/// One bin of a reliability diagram.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationBin {
    /// Mean score of the bin.
    pub score: f64,
    /// Share of favourable labels in the bin.
    pub observed: f64,
    /// Wilson interval of it.
    pub interval: [f64; 2],
    /// Rows.
    pub n: u64,
}

/// Inequality of benefits b = P - Y + 1.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Inequality {
    /// Theil index (Speicher 2018); `None` without labels.
    pub theil: Option<f64>,
    /// Generalized entropy, alpha 2.
    pub generalized_entropy: Option<f64>,
    /// Share of it that lies between the groups of each attribute.
    pub between_group_share: Vec<NamedValue>,
    /// Consistency over 5 nearest neighbours (Zemel 2013), on a sample.
    pub consistency: Option<f64>,
}

/// A named number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NamedValue {
    /// Name.
    pub name: String,
    /// Value.
    pub value: Option<f64>,
}

/// One cut-off on the score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Favourable when the score is at least this.
    pub threshold: f64,
    /// Overall accuracy.
    pub accuracy: Option<f64>,
    /// Overall selection rate.
    pub selection_rate: f64,
    /// Selection rate ratio per attribute, in the order of `parameters.protected_attributes`.
    pub selection_rate_ratio: Vec<Option<f64>>,
    /// TPR range per attribute.
    pub tpr_difference: Vec<Option<f64>>,
    /// On the Pareto front of accuracy and worst ratio.
    pub pareto: bool,
    /// The best single cut-off: most accurate among those where every ratio reaches the threshold.
    pub best: bool,
}

/// Band-free tests of a numeric protected attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NumericAttribute {
    /// Column.
    pub attribute: String,
    /// Change of selection rate per unit of the attribute (least squares).
    pub selection_slope: Option<f64>,
    /// Of a zero slope.
    pub p_value: Option<f64>,
    /// Kolmogorov-Smirnov distance between selected and rejected.
    pub ks: Option<f64>,
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

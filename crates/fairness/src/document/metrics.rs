//! Layer 3 of the certificate: metrics by group, and what they add up to.

use serde::{Deserialize, Serialize};

use super::{Estimate, NamedValue, ScoreTerm, Status, Tested, Verdict};

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

/// One row of the table New York City asks for (6 RCNY 5-301).
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

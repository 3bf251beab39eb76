//! Layer 1 of the certificate: what the data holds.

use serde::{Deserialize, Serialize};

use super::{Estimate, GroupShare, ScoreTerm, Status};

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

//! What the decisions rest on: contributions of the columns to the score, for everybody and for each group.

use serde::{Deserialize, Serialize};

/// Contributions of the columns to the score of the favourable outcome.
///
/// Contributions of one row add up to its score minus `base` (Shapley values; Lundberg and Lee 2017), except with the
/// method `permutation`, whose numbers say how far the score moves when a column is shuffled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// `tree_shap`, `linear_shap`, `kernel_shap` or `permutation`.
    pub method: String,
    /// The method in words, with its source and what was drawn for it.
    pub method_note: String,
    /// What the score is: `probability` of the favourable outcome; `log_odds`, whose logistic function is that
    /// probability; `raw`, the score of a model before it becomes a probability or a decision; or `decision` (1
    /// favourable, 0 not).
    pub score: String,
    /// Rows explained, over all groups.
    pub rows: u64,
    /// Rows that stand for unknown columns; `None` where the model itself says what it expects.
    pub background_rows: Option<u64>,
    /// Questions to the model for one row; `None` where none is needed.
    pub coalitions: Option<u64>,
    /// The score without knowledge of any column; `None` for `permutation`.
    pub base: Option<f64>,
    /// Columns by mean absolute contribution, strongest first.
    pub columns: Vec<ColumnContribution>,
    /// Columns that were explained and stand not in `columns`, for want of weight.
    pub columns_left_out: u64,
    /// Mean score over a range of values of the strongest columns.
    pub dependence: Vec<Dependence>,
}

/// What one column contributes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnContribution {
    /// Its name.
    pub column: String,
    /// Whether it is one of the protected attributes.
    pub protected: bool,
    /// Over the rows drawn from everybody.
    pub overall: Contribution,
    /// Within each group, over rows drawn from it.
    pub groups: Vec<GroupContribution>,
}

/// Means over rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contribution {
    /// Mean absolute contribution, in units of the score.
    pub mean_absolute: Option<f64>,
    /// Mean contribution with its sign: positive towards the favourable outcome. `None` for `permutation`.
    pub mean: Option<f64>,
    /// Rows behind them.
    pub n: u64,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a column contributes within a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupContribution {
    /// Protected attribute.
    pub attribute: String,
    /// Its group.
    pub group: String,
    /// Means over rows of the group.
    #[serde(flatten)]
    pub contribution: Contribution,
}

/// Partial dependence of the score on one column (Friedman 2001).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// Its name.
    pub column: String,
    /// Rows whose mean it is.
    pub n: u64,
    /// In the order of the values.
    pub points: Vec<DependencePoint>,
}

/// The mean score when a column has one value in every row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DependencePoint {
    /// The value, as text.
    pub value: String,
    /// The mean probability of the favourable outcome, or of a model without probabilities the share of favourable
    /// decisions.
    pub score: f64,
}

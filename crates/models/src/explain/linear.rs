//! Shapley values of a linear score.

use super::Attributions;

/// Explains rows (row-major, one cell a coefficient) of the score `intercept + coefficients . row`, with features
/// taken as independent: feature j contributes `coefficient_j * (cell_j - mean_j)` (Lundberg and Lee 2017,
/// corollary 1). For a logistic model the score is the log-odds.
///
/// # Panics
/// When there are no coefficients, not as many means, or `rows` is no multiple of them.
#[must_use]
pub fn linear_shap(coefficients: &[f64], intercept: f64, means: &[f64], rows: &[f64]) -> Attributions {
    let features = coefficients.len();
    assert!(features > 0 && means.len() == features && rows.len().is_multiple_of(features), "one cell a coefficient");
    let base = intercept + coefficients.iter().zip(means).map(|(coefficient, mean)| coefficient * mean).sum::<f64>();
    let values = rows
        .chunks_exact(features)
        .flat_map(|row| row.iter().zip(means).zip(coefficients).map(|((cell, mean), c)| c * (cell - mean)))
        .collect();
    Attributions { base, features, values }
}

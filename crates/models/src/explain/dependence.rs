//! Partial dependence (Friedman 2001): the mean score when a column has one value in every row.

use assize_tables::{Cancel, ColumnData, Table};

use super::ask::scores;
use crate::predictor::{Error, Predictor};

/// A value given to the column.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Of a numeric column.
    Number(f64),
    /// Of a text column.
    Text(String),
}

/// The mean score at a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The value in every row.
    pub value: Value,
    /// Mean over all rows of the score of the class.
    pub score: f64,
}

/// Mean score of `class` over the rows of `table` for up to `points_max` values of a column: quantiles of a numeric
/// column, the first levels of a text column.
///
/// # Errors
/// [`Error::Input`] when the table lacks the column or the model the class; those of the model; [`Error::Cancelled`].
pub fn partial_dependence(
    model: &dyn Predictor,
    table: &Table,
    column: &str,
    class: usize,
    points_max: usize,
    cancel: &Cancel,
) -> Result<Vec<Point>, Error> {
    let at = table
        .columns
        .iter()
        .position(|known| known.name == column)
        .ok_or_else(|| Error::Input { expected: format!("a column `{column}`"), found: "no such column".to_owned() })?;
    let mut changed = table.clone();
    let mut ask = |data: ColumnData| -> Result<f64, Error> {
        cancel.check()?;
        changed.columns[at].data = data;
        let scores = scores(model, &changed, class, cancel)?;
        Ok(scores.iter().sum::<f64>() / scores.len().max(1) as f64)
    };
    match &table.columns[at].data {
        ColumnData::Numeric(values) => quantiles(values, points_max)
            .into_iter()
            .map(|value| {
                let score = ask(ColumnData::Numeric(vec![value; table.rows]))?;
                Ok(Point { value: Value::Number(value), score })
            })
            .collect(),
        ColumnData::Categorical { levels, .. } => (0_u32..)
            .zip(levels)
            .take(points_max)
            .map(|(code, level)| {
                let codes = vec![code; table.rows];
                let score = ask(ColumnData::Categorical { codes, levels: levels.clone() })?;
                Ok(Point { value: Value::Text(level.clone()), score })
            })
            .collect(),
    }
}

/// Distinct values at evenly spread ranks, smallest and largest included.
fn quantiles(values: &[f64], points_max: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let Some(last) = sorted.len().checked_sub(1) else { return Vec::new() };
    let steps = points_max.saturating_sub(1).max(1);
    let mut points: Vec<f64> = (0..points_max).map(|point| sorted[point * last / steps]).collect();
    points.dedup();
    points
}

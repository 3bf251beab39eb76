//! Permutation importance (Breiman 2001; Fisher, Rudin and Dominici 2019): what a model loses when a column is shuffled.

use assize_tables::{Cancel, Table};

use super::ask::select;
use crate::predictor::{Error, Predictions, Predictor};
use crate::random::{shuffle, stream};

/// What the measure loses when one column is shuffled.
#[derive(Debug, Clone, PartialEq)]
pub struct Importance {
    /// Column name.
    pub column: String,
    /// Loss in each repetition.
    pub losses: Vec<f64>,
    /// Mean loss.
    pub mean: f64,
}

/// Shuffles each column of `table` in turn, `repeats` times, and tells how far `measure` (the higher, the better) falls.
///
/// # Errors
/// Those of the model; [`Error::Cancelled`].
pub fn permutation_importance(
    model: &dyn Predictor,
    table: &Table,
    measure: &dyn Fn(&Predictions) -> f64,
    repeats: u32,
    seed: u64,
    cancel: &Cancel,
) -> Result<Vec<Importance>, Error> {
    let whole = measure(&model.predict(table, cancel)?);
    let mut shuffled = table.clone();
    let mut importances = Vec::with_capacity(table.columns.len());
    for (index, column) in table.columns.iter().enumerate() {
        let mut losses = Vec::new();
        for repeat in 0..repeats {
            cancel.check()?;
            let mut rows: Vec<usize> = (0..table.rows).collect();
            shuffle(&mut stream(seed, (index as u64) << 32 | u64::from(repeat)), &mut rows);
            shuffled.columns[index] = select(column, rows.into_iter());
            losses.push(whole - measure(&model.predict(&shuffled, cancel)?));
        }
        shuffled.columns[index] = column.clone();
        let mean = losses.iter().sum::<f64>() / f64::from(repeats.max(1));
        importances.push(Importance { column: column.name.clone(), losses, mean });
    }
    Ok(importances)
}

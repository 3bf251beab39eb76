//! Asking a model about tables made of the cells of another.

use assize_tables::{Cancel, Column, ColumnData, Table};

use crate::predictor::{Error, Predictions, Predictor};

/// Scores of a class: its probability, or 1 and 0 from the label when the model gives no probabilities.
pub(super) fn scores(model: &dyn Predictor, table: &Table, class: usize, cancel: &Cancel) -> Result<Vec<f64>, Error> {
    let Predictions { classes, labels, probabilities } = model.predict(table, cancel)?;
    if class >= classes.len() {
        return Err(Error::Input {
            expected: format!("a model with a class {class}"),
            found: format!("a model of {} classes", classes.len()),
        });
    }
    Ok(match probabilities {
        Some(probabilities) => probabilities.into_iter().skip(class).step_by(classes.len()).collect(),
        None => labels.iter().map(|label| f64::from(u8::from(*label as usize == class))).collect(),
    })
}

/// The cells of a column at these rows.
pub(crate) fn select(column: &Column, rows: impl Iterator<Item = usize>) -> Column {
    let data = match &column.data {
        ColumnData::Numeric(values) => ColumnData::Numeric(rows.map(|row| values[row]).collect()),
        ColumnData::Categorical { codes, levels } => {
            ColumnData::Categorical { codes: rows.map(|row| codes[row]).collect(), levels: levels.clone() }
        }
    };
    Column { name: column.name.clone(), data }
}

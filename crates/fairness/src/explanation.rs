//! What the decisions rest on, overall and by group: contributions of the columns to the score of a bounded, seeded
//! sample of judged rows.
//!
//! Flow: [`explain`] draws rows ([`sample`]) from everybody and from each group, asks for their contributions by the best
//! method that the model allows ([`attribution`]), and takes means overall and by group.
//!
//! Rows are drawn by a hash of seed and row, so that the sample of a group is a uniform draw from that group however
//! many other groups share its rows. A group without enough rows has no number, and says so.

mod attribution;
mod sample;

use assize_models::Predictor;
use assize_models::explain::{Value, partial_dependence};
use assize_tables::{Cancel, Table};

use crate::audit::{Decisions, Error, Frame, ModelInput, Source, model_table, select_rows};
use crate::document::{ColumnContribution, Contribution, Dependence, DependencePoint, Explanation, GroupContribution};

use attribution::{Attributed, Method};
use sample::Sample;

/// Columns with numbers of their own; the rest are counted.
const COLUMNS_MAX: usize = 20;
/// Columns whose partial dependence is shown, points of each, and rows they are means over.
const DEPENDENCE_COLUMNS_MAX: usize = 4;
const DEPENDENCE_POINTS_MAX: usize = 9;
const DEPENDENCE_ROWS_MAX: usize = 100;

/// Explains the decisions; `None` when they are a column of the data and there is nothing to ask.
pub(crate) fn explain(
    frame: &Frame,
    decisions: &Decisions,
    model: Option<&ModelInput<'_>>,
    seed: u64,
    group_size_min: u64,
    cancel: &Cancel,
) -> Result<Option<Explanation>, Error> {
    let sample = Sample::draw(frame, &decisions.rows, seed, group_size_min);
    let everybody: Vec<u32> = sample.everybody.iter().map(|row| *row as u32).collect();
    let (attributed, asked) = match (&decisions.source, model) {
        (Source::Forest(trained), _) => {
            let mut table = select_rows(&frame.table, &sample.rows);
            table.columns.retain(|column| trained.binned.binner().index(&column.name).is_some());
            let asked = Asked { model: &trained.forest, class: 1, table, everybody };
            (attribution::of_forest(trained, &asked, &sample.rows, seed, cancel)?, asked)
        }
        (Source::Model { positive }, Some(model)) => {
            let table = model_table(frame, &sample.rows);
            let asked = Asked { model: model.predictor, class: *positive, table, everybody };
            (attribution::of_model(&asked, seed, cancel)?, asked)
        }
        _ => return Ok(None),
    };
    let Some(attributed) = attributed else { return Ok(None) };
    let mut columns: Vec<ColumnContribution> =
        (0..attributed.columns.len()).map(|at| column(frame, &sample, &attributed, at)).collect();
    let strength = |column: &ColumnContribution| column.overall.mean_absolute.unwrap_or(0.0);
    columns.sort_by(|a, b| strength(b).total_cmp(&strength(a)).then_with(|| a.column.cmp(&b.column)));
    let columns_left_out = columns.len().saturating_sub(COLUMNS_MAX) as u64;
    columns.truncate(COLUMNS_MAX);
    let dependence = dependence(&asked, &sample, &columns, cancel)?;
    Ok(Some(Explanation {
        method: attributed.method.name().to_owned(),
        method_note: attributed.method.note(attributed.score, sample.everybody.len(), sample.of_group_max),
        score: attributed.score.to_owned(),
        rows: sample.rows.len() as u64,
        background_rows: attributed.method.background_rows(),
        coalitions: attributed.method.coalitions(),
        base: attributed.base,
        columns,
        columns_left_out,
        dependence,
    }))
}

/// A model with the sampled rows as it reads them.
struct Asked<'a> {
    model: &'a dyn Predictor,
    /// Index of the favourable class.
    class: usize,
    table: Table,
    /// Rows of the table that were drawn from everybody, in the order of their hashes.
    everybody: Vec<u32>,
}

fn column(frame: &Frame, sample: &Sample, attributed: &Attributed, at: usize) -> ColumnContribution {
    let signed = attributed.method != Method::Permutation;
    let over = |rows: &[usize]| {
        let n = rows.len() as u64;
        if rows.is_empty() {
            let reason = Some("fewer rows than the smallest group that is judged".to_owned());
            return Contribution { mean_absolute: None, mean: None, n, reason };
        }
        let values = || rows.iter().map(|row| attributed.value(*row, at));
        let mean_absolute = Some(values().map(f64::abs).sum::<f64>() / n as f64);
        let mean = signed.then(|| values().sum::<f64>() / n as f64);
        Contribution { mean_absolute, mean, n, reason: None }
    };
    let groups = sample.groups.iter().map(|group| GroupContribution {
        attribute: frame.groups[group.attribute].attribute.clone(),
        group: frame.groups[group.attribute].levels[group.level].clone(),
        contribution: over(&group.rows),
    });
    let name = &attributed.columns[at];
    ColumnContribution {
        column: name.clone(),
        protected: frame.groups.iter().any(|groups| groups.attribute == *name),
        overall: over(&sample.everybody),
        groups: groups.collect(),
    }
}

/// Partial dependence on the strongest columns, over rows drawn from everybody.
fn dependence(
    asked: &Asked<'_>,
    sample: &Sample,
    columns: &[ColumnContribution],
    cancel: &Cancel,
) -> Result<Vec<Dependence>, Error> {
    let rows: Vec<u32> = sample.everybody.iter().take(DEPENDENCE_ROWS_MAX).map(|row| *row as u32).collect();
    let table = select_rows(&asked.table, &rows);
    let strong = columns.iter().filter(|column| column.overall.mean_absolute > Some(0.0));
    strong
        .take(DEPENDENCE_COLUMNS_MAX)
        .map(|column| {
            let points =
                partial_dependence(asked.model, &table, &column.column, asked.class, DEPENDENCE_POINTS_MAX, cancel)?;
            let points = points.into_iter().map(|point| DependencePoint {
                value: match point.value {
                    Value::Number(number) => number.to_string(),
                    Value::Text(text) => text,
                },
                score: point.score,
            });
            Ok(Dependence { column: column.column.clone(), n: rows.len() as u64, points: points.collect() })
        })
        .collect()
}

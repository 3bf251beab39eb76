//! The counts that layer 3 measures: from the judged rows in memory, or from all rows of the file in one streaming pass
//! when the decisions are a column.

use std::collections::BTreeMap;

use assize_tables::cells::{Key, NONE, count_rows};
use assize_tables::{BinarySpec, Cancel, CellBuilder, CellPlan, Cells, Column, ColumnData, Dataset, KeySpec, Profile};

use super::asker::DECISION_THRESHOLD;
use super::decisions::{Decisions, Source};
use super::frame::{Frame, labels_of, values_of};
use super::groups::group_rows;
use super::outcome::{Outcome, resolve_decisions};
use super::{AuditSettings, Error, Groups};
use crate::metrics::{NumericHistogram, Strata};

/// What layer 3 is given.
pub(crate) struct Counted {
    pub(crate) cells: Cells,
    pub(crate) strata: Vec<Strata>,
    pub(crate) numeric: Vec<NumericHistogram>,
}

/// Counts in memory: the judged rows of a model.
pub(crate) fn count_decisions(
    frame: &Frame,
    settings: &AuditSettings,
    decisions: &Decisions,
) -> Result<Counted, Error> {
    let labels = decisions.labels(frame);
    let weights: Option<Vec<f64>> =
        frame.weights.as_ref().map(|weights| decisions.rows.iter().map(|row| weights[*row as usize]).collect());
    let count = |extra: Option<&Groups>| {
        let all = frame.groups.iter().chain(extra);
        let keys: Vec<(Key, Vec<u16>)> = all.map(|groups| (groups.key(), codes_at(groups, &decisions.rows))).collect();
        count_rows(&keys, Some(&labels), &decisions.decisions, decisions.scores.as_deref(), weights.as_deref())
    };
    let mut strata = Vec::new();
    for name in &settings.strata {
        let column = frame.table.column(name).expect("strata were checked to be columns");
        let groups = group_rows(column, None)?;
        strata.push(split_by_last(name, &count(Some(&groups))));
    }
    Ok(Counted { cells: count(None), strata, numeric: histograms(frame, decisions) })
}

/// Counts all rows of the file, whatever their number.
pub(crate) fn count_file(
    dataset: &Dataset,
    frame: &Frame,
    settings: &AuditSettings,
    decisions: &Decisions,
    cancel: &Cancel,
) -> Result<Counted, Error> {
    let spec = |column: &str, positive: &str| BinarySpec { column: column.to_owned(), positive: positive.to_owned() };
    let prediction = match (&settings.prediction_column, &decisions.source) {
        (Some(name), Source::Column { favourable: Some(favourable) }) => Some(spec(name, favourable)),
        _ => None,
    };
    let mut plan = CellPlan {
        keys: settings.protected_attributes.iter().map(|attribute| key_spec(frame, attribute)).collect(),
        label: (!settings.without_labels()).then(|| spec(&settings.target_column, &frame.outcome.positive)),
        prediction,
        score: settings.score_column.clone(),
        weight: settings.weight_column.clone(),
        decision_threshold: Some(DECISION_THRESHOLD),
    };
    let labelled = |mut cells: Cells| {
        if !settings.without_labels() {
            cells.cells.retain(|cell| cell.label != NONE);
        }
        cells.cells.retain(|cell| cell.prediction != NONE);
        cells
    };
    let cells = labelled(dataset.count(&plan, cancel)?);
    let mut strata = Vec::new();
    for name in &settings.strata {
        plan.keys.push(KeySpec::Categories { column: name.clone() });
        strata.push(split_by_last(name, &labelled(dataset.count(&plan, cancel)?)));
        plan.keys.pop();
    }
    Ok(Counted { cells, strata, numeric: histograms(frame, decisions) })
}

/// The decisions in the data, of the rows in memory; refuses columns that hold none.
pub(crate) fn decisions_of_column(
    frame: &Frame,
    profile: &Profile,
    settings: &AuditSettings,
) -> Result<Decisions, Error> {
    let mut favourable = None;
    let score = settings.score_column.as_deref().map(|name| scores_of(frame, profile, name)).transpose()?;
    let decided: Vec<u8> = match (&settings.prediction_column, &score) {
        (Some(name), _) => {
            let spelled = decisions_as_spelled(frame, profile, name)?;
            let decided = labels_of(frame.table.column(name).expect("checked to be a column"), &spelled);
            favourable = Some(spelled.positive);
            decided
        }
        (None, Some(scores)) => scores
            .iter()
            .map(|score| if score.is_nan() { NONE } else { u8::from(*score >= DECISION_THRESHOLD) })
            .collect(),
        (None, None) => unreachable!("asked only with a prediction or a score column"),
    };
    let known = |row: &u32| {
        let row = *row as usize;
        decided[row] != NONE && (settings.without_labels() || frame.labels[row] != NONE)
    };
    let rows: Vec<u32> = (0..frame.table.rows as u32).filter(known).collect();
    let decisions = rows.iter().map(|row| decided[*row as usize]).collect();
    let scores = score.map(|scores| rows.iter().map(|row| scores[*row as usize]).collect());
    Ok(Decisions { rows, decisions, scores, source: Source::Column { favourable } })
}

/// The two values of a column of decisions.
fn decisions_as_spelled(frame: &Frame, profile: &Profile, name: &str) -> Result<Outcome, Error> {
    let (values, _) = values_of(profile, name)?;
    resolve_decisions(name, values.into_iter().map(|(value, _)| value).collect(), &frame.outcome)
}

fn scores_of(frame: &Frame, profile: &Profile, name: &str) -> Result<Vec<f64>, Error> {
    let fail = |found: String| Err(Error::Score { column: name.to_owned(), found });
    let own = profile.column(name).expect("the score column was checked to be there");
    let ColumnData::Numeric(values) = &frame.table.column(name).expect("checked to be a column").data else {
        return fail("it holds texts".to_owned());
    };
    match &own.numeric {
        Some(numeric) if numeric.min >= 0.0 && numeric.max <= 1.0 => Ok(values.clone()),
        Some(numeric) => fail(format!("it holds numbers from {} to {}", numeric.min, numeric.max)),
        None => Err(Error::ColumnEmpty { column: name.to_owned(), rows: profile.rows }),
    }
}

fn codes_at(groups: &Groups, rows: &[u32]) -> Vec<u16> {
    rows.iter().map(|row| groups.codes[*row as usize]).collect()
}

fn key_spec(frame: &Frame, attribute: &str) -> KeySpec {
    match frame.bands_of(attribute) {
        Some(bands) => {
            KeySpec::Bands { column: attribute.to_owned(), edges: bands.edges.clone(), labels: bands.labels.clone() }
        }
        None => KeySpec::Categories { column: attribute.to_owned() },
    }
}

/// Cells whose last key is a stratum, split by its values.
fn split_by_last(column: &str, cells: &Cells) -> Strata {
    let last = cells.keys.len() - 1;
    let mut by_level: BTreeMap<u16, CellBuilder> = BTreeMap::new();
    for cell in &cells.cells {
        let levels = &cells.groups[cell.group as usize];
        let builder = by_level.entry(levels[last]).or_insert_with(|| CellBuilder::new(cells.keys[..last].to_vec()));
        builder.add_many(&levels[..last], cell.label, cell.prediction, cell.bin, (cell.count, cell.weight));
    }
    Strata { column: column.to_owned(), cells: by_level.into_values().map(CellBuilder::finish).collect() }
}

/// Decisions by unbanded value, for the attributes that were cut into bands.
fn histograms(frame: &Frame, decisions: &Decisions) -> Vec<NumericHistogram> {
    let of = |column: &Column| {
        let ColumnData::Numeric(values) = &column.data else { return None };
        let mut decided: Vec<(f64, u8)> = decisions
            .rows
            .iter()
            .zip(&decisions.decisions)
            .map(|(row, decision)| (values[*row as usize], *decision))
            .filter(|(value, _)| !value.is_nan())
            .collect();
        decided.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let values = decided.chunk_by(|a, b| a.0 == b.0).map(|equal| {
            let selected = equal.iter().filter(|(_, decision)| *decision == 1).count() as u64;
            (equal[0].0, selected, equal.len() as u64 - selected)
        });
        Some(NumericHistogram { column: column.name.clone(), values: values.collect() })
    };
    frame.bands.iter().filter_map(|bands| frame.table.column(&bands.column).and_then(of)).collect()
}

//! The rows of an audit in memory: all of them, or a deterministic sample of a large file.

use std::collections::BTreeMap;

use assize_tables::{Column, ColumnData, ColumnKind, Distinct, MISSING, Profile, Sample, Table, cells::NONE};

use super::groups::{ColumnFacts, GROUPS_MAX, bands, check_comparable, group_rows};
use super::outcome::{self, Outcome};
use super::settings::bands_of;
use super::{AuditInput, AuditSettings, Error, Groups, ModelInput, Watch};
use crate::document::Bands;
use crate::domains::Domain;
use crate::forensics::is_unusable;

/// Rows examined row by row. Rates over so many are within 0.3 points of those over all (95 %), and training stays
/// within some CPU seconds; decisions that are in the file are counted over all rows.
const ROWS_MAX: u64 = 200_000;
/// Cells examined: bounds the memory of wide files.
const CELLS_MAX: u64 = 20_000_000;
/// Rows examined of the widest file.
const ROWS_OF_WIDE_FILE: u64 = 5_000;
/// Positions of the quartiles in [`assize_tables::NumericSummary::quantiles`], which go in steps of 5 %.
pub(crate) const QUARTILES: [usize; 3] = [5, 10, 15];

/// The examined rows, with what is known of them.
pub(crate) struct Frame {
    /// All columns but the weights.
    pub(crate) table: Table,
    /// The same rows as a model that was handed in reads them, only columns that could be its inputs.
    pub(crate) model_rows: Option<Table>,
    /// Rows of the file.
    pub(crate) rows_total: u64,
    pub(crate) outcome: Outcome,
    /// 1, 0 or [`NONE`], one a row.
    pub(crate) labels: Vec<u8>,
    /// The protected attributes, in the order of the request.
    pub(crate) groups: Vec<Groups>,
    pub(crate) bands: Vec<Bands>,
    /// Columns a model may read.
    pub(crate) features: Vec<String>,
    /// Row weights, when given.
    pub(crate) weights: Option<Vec<f64>>,
    pub(crate) reference_shares: BTreeMap<String, BTreeMap<String, f64>>,
    /// Columns that are no input: target, predictions, scores.
    not_input: Vec<String>,
}

impl Frame {
    /// Reads the rows and tells outcome and groups apart.
    pub(crate) fn read(
        input: &AuditInput<'_>,
        profile: &Profile,
        settings: &AuditSettings,
        domain: &Domain,
        watch: &dyn Watch,
    ) -> Result<Self, Error> {
        let dataset = input.dataset;
        let outcome = resolve_outcome(profile, settings)?;
        let rows = (CELLS_MAX / profile.columns.len() as u64).clamp(ROWS_OF_WIDE_FILE, ROWS_MAX);
        let sample = (profile.rows > rows).then_some(Sample { rows, seed: settings.seed });
        let mut table = dataset.load(None, profile, sample, watch.cancel())?;
        let weights = take_weights(&mut table, settings)?;
        let target = table.column(&settings.target_column).expect("the target was checked to be a column");
        let labels = labels_of(target, &outcome);
        let (mut groups, mut all_bands) = (Vec::new(), Vec::new());
        for attribute in &settings.protected_attributes {
            let column = table.column(attribute).expect("protected attributes were checked to be columns");
            let facts = facts_of(profile, attribute)?;
            let bands = bands(&facts, settings, domain);
            let own = group_rows(column, bands.as_ref())?;
            check_comparable(&own, profile.rows)?;
            groups.push(own);
            all_bands.extend(bands);
        }
        let optional = [&settings.prediction_column, &settings.score_column];
        let mut not_input: Vec<String> = optional.into_iter().flatten().cloned().collect();
        not_input.push(settings.target_column.clone());
        let model_rows = match input.model {
            Some(model) => {
                let names = table.columns.iter().map(|column| column.name.as_str());
                let inputs: Vec<&str> = names.filter(|name| !not_input.iter().any(|other| other == name)).collect();
                Some(rows_for_model(model, &inputs, profile.rows, sample, watch)?)
            }
            None => None,
        };
        let inputs = table.columns.iter().filter(|column| !not_input.contains(&column.name));
        let features = inputs
            .map(|column| &column.name)
            .filter(|name| !profile.column(name).is_some_and(|column| is_unusable(column, profile.rows)))
            .cloned()
            .collect();
        Ok(Self {
            table,
            model_rows,
            rows_total: profile.rows,
            outcome,
            labels,
            groups,
            bands: all_bands,
            features,
            weights,
            reference_shares: settings.reference_shares.clone(),
            not_input,
        })
    }

    /// Whether a column could be an input of a model.
    pub(crate) fn is_input(&self, column: &str) -> bool {
        !self.not_input.iter().any(|name| name == column)
    }

    /// Names of the columns that could be inputs.
    pub(crate) fn input_names(&self) -> Vec<String> {
        let names = self.table.columns.iter().map(|column| &column.name);
        names.filter(|name| self.is_input(name)).cloned().collect()
    }

    /// Labelled rows, and those of them with the favourable label.
    pub(crate) fn label_counts(&self) -> (u64, u64) {
        self.labels.iter().fold((0, 0), |(labelled, favourable), label| {
            (labelled + u64::from(*label < NONE), favourable + u64::from(*label == 1))
        })
    }

    /// Whether the rows are a sample of the file.
    pub(crate) fn is_sample(&self) -> bool {
        self.rows_total > self.table.rows as u64
    }

    /// The bands of an attribute, when it has any.
    pub(crate) fn bands_of(&self, attribute: &str) -> Option<&Bands> {
        bands_of(&self.bands, attribute)
    }
}

/// The examined rows again, read as the model reads them: the columns it names, or all that could be its inputs.
fn rows_for_model(
    model: &ModelInput<'_>,
    inputs: &[&str],
    rows: u64,
    sample: Option<Sample>,
    watch: &dyn Watch,
) -> Result<Table, Error> {
    let features = model.predictor.features();
    let named = features.iter().any(|feature| feature.name.is_some());
    let is_read = |name: &&str| !named || features.iter().any(|feature| feature.name.as_deref() == Some(*name));
    let wanted: Vec<&str> = inputs.iter().copied().filter(is_read).collect();
    if wanted.is_empty() {
        return Ok(Table { columns: Vec::new(), rows: sample.map_or(rows, |sample| sample.rows) as usize });
    }
    let profile = model.rows.profile(watch.cancel())?;
    Ok(model.rows.load(Some(&wanted), &profile, sample, watch.cancel())?)
}

/// The two values of the target, from the profile over all rows.
fn resolve_outcome(profile: &Profile, settings: &AuditSettings) -> Result<Outcome, Error> {
    let column = settings.target_column.as_str();
    let (values, distinct) = values_of(profile, column)?;
    outcome::resolve(column, &values, distinct, settings.positive_label.as_deref())
}

/// Distinct values of a column with their rows, as far as they were counted, and how many there are in words.
pub(crate) fn values_of(profile: &Profile, column: &str) -> Result<(Vec<(String, u64)>, String), Error> {
    let own = profile.column(column).expect("the column was checked to be there");
    if own.kind == ColumnKind::Empty {
        return Err(Error::ColumnEmpty { column: column.to_owned(), rows: profile.rows });
    }
    Ok((own.levels.clone().unwrap_or_default(), in_words(own.distinct)))
}

fn in_words(distinct: Distinct) -> String {
    match distinct {
        Distinct::Exact(count) => count.to_string(),
        Distinct::About(count) => format!("about {count}"),
    }
}

fn facts_of<'a>(profile: &'a Profile, attribute: &str) -> Result<ColumnFacts<'a>, Error> {
    let own = profile.column(attribute).expect("the column was checked to be there");
    if own.kind == ColumnKind::Empty {
        return Err(Error::ColumnEmpty { column: attribute.to_owned(), rows: profile.rows });
    }
    if own.numeric.is_none() && own.distinct.count() > GROUPS_MAX as u64 {
        let (attribute, distinct) = (attribute.to_owned(), in_words(own.distinct));
        return Err(Error::TooManyGroups { attribute, distinct, limit: GROUPS_MAX });
    }
    Ok(ColumnFacts { column: &own.name, distinct: own.distinct.count(), numeric: own.numeric.as_ref() })
}

/// 1, 0 or [`NONE`] for each cell of a column with the values of the outcome.
pub(crate) fn labels_of(column: &Column, outcome: &Outcome) -> Vec<u8> {
    match &column.data {
        ColumnData::Numeric(values) => {
            let of = |value: f64| outcome.label_of(&format!("{value}")).unwrap_or(NONE);
            let (zero, one) = (of(0.0), of(1.0));
            let label = |value: &f64| {
                if *value == 0.0 {
                    zero
                } else if *value == 1.0 {
                    one
                } else if value.is_nan() {
                    NONE
                } else {
                    of(*value)
                }
            };
            values.iter().map(label).collect()
        }
        ColumnData::Categorical { codes, levels } => {
            let of: Vec<u8> = levels.iter().map(|level| outcome.label_of(level).unwrap_or(NONE)).collect();
            codes.iter().map(|code| if *code == MISSING { NONE } else { of[*code as usize] }).collect()
        }
    }
}

/// Takes the weight column out of the table.
fn take_weights(table: &mut Table, settings: &AuditSettings) -> Result<Option<Vec<f64>>, Error> {
    let Some(name) = &settings.weight_column else { return Ok(None) };
    let index = table.columns.iter().position(|column| column.name == *name);
    let column = table.columns.remove(index.expect("the weight column was checked to be there"));
    let fail = |found: String| Err(Error::Weight { column: name.clone(), found });
    let ColumnData::Numeric(values) = column.data else { return fail("it holds texts".to_owned()) };
    if let Some(row) = values.iter().position(|weight| weight.is_nan() || *weight < 0.0) {
        let what = if values[row].is_nan() { "empty" } else { "negative" };
        return fail(format!("one of its cells is {what}"));
    }
    Ok(Some(values))
}

/// The given rows of a table, in the given order.
pub(crate) fn select_rows(table: &Table, rows: &[u32]) -> Table {
    let select = |column: &Column| {
        let data = match &column.data {
            ColumnData::Numeric(values) => ColumnData::Numeric(rows.iter().map(|row| values[*row as usize]).collect()),
            ColumnData::Categorical { codes, levels } => ColumnData::Categorical {
                codes: rows.iter().map(|row| codes[*row as usize]).collect(),
                levels: levels.clone(),
            },
        };
        Column { name: column.name.clone(), data }
    };
    Table { columns: table.columns.iter().map(select).collect(), rows: rows.len() }
}

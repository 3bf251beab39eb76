//! Counting cells straight from a file, in one streaming pass.
//!
//! Work goes column by column over a batch: raw cells become small codes through a cache of spellings ([`RawCodes`]),
//! codes of a row become a group number, the group's counter is raised. Each thread counts for itself; levels get their
//! final codes when the threads' counts are added, so nothing depends on who met a level first.
//!
//! Faults of single cells (a score that is no number) stop the pass at their line. Faults of whole columns (a third
//! label, too many groups) are judged at the end, when every thread's findings are known.

mod columns;

use std::collections::{BTreeMap, BTreeSet};

use crate::Cancel;
use crate::cells::{self, Cells, Counter, Key, MISSING_GROUP, NO_SCORE, NONE, WEIGHT_ONE};
use crate::count::columns::{BinaryColumn, KeyColumn, LEVEL_MISSING, NumberColumn};
use crate::dataset::Dataset;
use crate::error::{Error, Fault};
use crate::scan::{BATCH_ROWS, Batch, Sink};
use crate::text::{CellText, Number};

/// Most values of a protected column.
pub const LEVELS_MAX: usize = 4096;
/// Most combinations of protected values.
pub const GROUPS_MAX: usize = 4096;
/// Values listed when a column is not binary.
const VALUES_LISTED: usize = 12;

/// What to count.
#[derive(Debug, Clone, Default)]
pub struct CellPlan {
    /// Protected columns, [`cells::KEYS_MAX`] at most.
    pub keys: Vec<KeySpec>,
    /// The true outcome.
    pub label: Option<BinarySpec>,
    /// The decision.
    pub prediction: Option<BinarySpec>,
    /// Column of scores in [0, 1].
    pub score: Option<String>,
    /// Column of row weights, from 0 to 1e9.
    pub weight: Option<String>,
    /// Without a prediction column: the decision is favourable where the score is at least this.
    pub decision_threshold: Option<f64>,
}

/// How a protected column makes groups.
#[derive(Debug, Clone, PartialEq)]
pub enum KeySpec {
    /// One group a value.
    Categories {
        /// The column.
        column: String,
    },
    /// One group a band of numbers: band `i` is `(edges[i-1], edges[i]]`, the first and the last are open-ended.
    Bands {
        /// The column.
        column: String,
        /// Rising inner edges.
        edges: Vec<f64>,
        /// One name a band: one more than edges.
        labels: Vec<String>,
    },
}

impl KeySpec {
    /// The column.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::Categories { column } | Self::Bands { column, .. } => column,
        }
    }

    fn check(&self) -> Result<(), Error> {
        let Self::Bands { column, edges, labels } = self else { return Ok(()) };
        let bad = |reason| Err(Error::BadBands { column: column.clone(), reason });
        if labels.len() != edges.len() + 1 {
            return bad("there must be one label more than edges");
        }
        if labels.len() > LEVELS_MAX {
            return bad("there are too many");
        }
        if !edges.is_sorted_by(|a, b| a < b) || edges.iter().any(|edge| !edge.is_finite()) {
            return bad("the edges must be rising numbers");
        }
        Ok(())
    }
}

/// A column with two values, one of which is favourable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BinarySpec {
    /// The column.
    pub column: String,
    /// The favourable value; compared by [`same_label`].
    pub positive: String,
}

/// Whether two spellings are the same label: equal as numbers (`1`, `1.0`), or equal texts after trimming, where one
/// full stop at the end does not count (`>50K.` in UCI's `adult.test` is `>50K` in `adult.data`).
#[must_use]
pub fn same_label(a: &str, b: &str) -> bool {
    columns::label_text(a) == columns::label_text(b)
}

impl Dataset {
    /// Counts cells in one streaming pass, in bounded memory, by all threads; only the needed columns are looked at.
    ///
    /// A missing protected value is the group [`MISSING_GROUP`]; a missing label, prediction or score is counted as
    /// [`NONE`] or [`NO_SCORE`]. A missing weight is refused.
    ///
    /// # Errors
    /// If a column is absent or does not hold what the plan says, if there are too many groups, or the file is at fault.
    pub fn count(&self, plan: &CellPlan, cancel: &Cancel) -> Result<Cells, Error> {
        if plan.keys.len() > cells::KEYS_MAX {
            return Err(Error::TooManyKeys { found: plan.keys.len(), limit: cells::KEYS_MAX });
        }
        plan.keys.iter().try_for_each(KeySpec::check)?;
        let roles = Roles::new(self, plan)?;
        let text = self.cell_text();
        let sink = || CountSink::new(plan, &roles, &text);
        let done = self.scan(&roles.wanted, cancel, &sink, &mut |()| Ok(()))?;
        for (spec, pick) in binaries(plan) {
            self.check_binary(spec, done.sinks.iter().filter_map(pick), cancel)?;
        }
        if let Some(column) = &plan.score {
            check_scores(column, &done.sinks)?;
        }
        merge(plan, &done.sinks)
    }

    /// Judges what the threads found in a binary column.
    fn check_binary<'s>(
        &self,
        spec: &BinarySpec,
        found: impl Iterator<Item = &'s BinaryColumn<'s>>,
        cancel: &Cancel,
    ) -> Result<(), Error> {
        let values: BTreeSet<&String> = found.flat_map(BinaryColumn::values).collect();
        let positive = columns::label_text(&spec.positive);
        if values.len() > 2 {
            let (values, more) = self.first_values(&spec.column, cancel)?;
            return Err(Error::NotBinary { column: spec.column.clone(), values, more });
        }
        if values.len() == 2 && !values.contains(&positive) {
            let (column, positive) = (spec.column.clone(), spec.positive.clone());
            return Err(Error::NoPositive { column, positive, values: values.into_iter().cloned().collect() });
        }
        Ok(())
    }

    /// The first different values of a column in file order, and whether there are more; for messages.
    fn first_values(&self, column: &str, cancel: &Cancel) -> Result<(Vec<String>, bool), Error> {
        let text = self.cell_text();
        let found = std::sync::Mutex::new(Vec::new());
        let sink = || FirstValues { text: &text, found: &found };
        let scanned = self.scan_with(&[self.column_index(column)?], 1, cancel, &sink, &mut |()| Ok(()));
        if let Err(Error::Cancelled(cancelled)) = scanned {
            return Err(cancelled.into());
        }
        let mut values = found.into_inner().expect("collecting values does not panic");
        let more = values.len() > VALUES_LISTED;
        values.truncate(VALUES_LISTED);
        Ok((values, more))
    }
}

type PickBinary = for<'s> fn(&'s CountSink<'s>) -> Option<&'s BinaryColumn<'s>>;

fn binaries(plan: &CellPlan) -> Vec<(&BinarySpec, PickBinary)> {
    let label: PickBinary = |sink| sink.label.as_ref();
    let prediction: PickBinary = |sink| sink.prediction.as_ref();
    plan.label.iter().map(|spec| (spec, label)).chain(plan.prediction.iter().map(|spec| (spec, prediction))).collect()
}

fn check_scores(column: &str, sinks: &[CountSink<'_>]) -> Result<(), Error> {
    let scores = || sinks.iter().filter_map(|sink| sink.score.as_ref());
    let min = scores().map(|score| score.min).fold(f64::INFINITY, f64::min);
    let max = scores().map(|score| score.max).fold(f64::NEG_INFINITY, f64::max);
    if min < 0.0 || max > 1.0 { Err(Error::ScoreRange { column: column.to_owned(), min, max }) } else { Ok(()) }
}

/// Which wanted column plays which part.
struct Roles {
    /// File columns, rising.
    wanted: Vec<usize>,
    keys: Vec<usize>,
    label: Option<usize>,
    prediction: Option<usize>,
    score: Option<usize>,
    weight: Option<usize>,
}

impl Roles {
    fn new(dataset: &Dataset, plan: &CellPlan) -> Result<Self, Error> {
        let of_binary =
            |spec: &Option<BinarySpec>| spec.as_ref().map(|spec| dataset.column_index(&spec.column)).transpose();
        let of_name = |name: &Option<String>| name.as_ref().map(|name| dataset.column_index(name)).transpose();
        let keys: Vec<usize> =
            plan.keys.iter().map(|key| dataset.column_index(key.column())).collect::<Result<_, _>>()?;
        let (label, prediction) = (of_binary(&plan.label)?, of_binary(&plan.prediction)?);
        let (score, weight) = (of_name(&plan.score)?, of_name(&plan.weight)?);
        let wanted: BTreeSet<usize> =
            keys.iter().copied().chain(label).chain(prediction).chain(score).chain(weight).collect();
        let wanted: Vec<usize> = wanted.into_iter().collect();
        let place = |column: usize| wanted.binary_search(&column).expect("every role is wanted");
        Ok(Self {
            keys: keys.into_iter().map(place).collect(),
            label: label.map(place),
            prediction: prediction.map(place),
            score: score.map(place),
            weight: weight.map(place),
            wanted,
        })
    }
}

/// One thread's counts.
struct CountSink<'p> {
    roles: &'p Roles,
    keys: Vec<KeyColumn<'p>>,
    label: Option<BinaryColumn<'p>>,
    prediction: Option<BinaryColumn<'p>>,
    score: Option<NumberColumn<'p>>,
    weight: Option<NumberColumn<'p>>,
    threshold: Option<f64>,
    counter: Counter,
    groups_full: bool,
    rows: Box<Rows>,
}

/// Codes of the rows of a batch.
struct Rows {
    groups: [u128; BATCH_ROWS],
    labels: [u8; BATCH_ROWS],
    predictions: [u8; BATCH_ROWS],
    bins: [u16; BATCH_ROWS],
    weights: [i64; BATCH_ROWS],
}

impl<'p> CountSink<'p> {
    fn new(plan: &'p CellPlan, roles: &'p Roles, text: &'p CellText) -> Self {
        Self {
            roles,
            keys: plan.keys.iter().map(|spec| KeyColumn::new(spec, text)).collect(),
            label: plan.label.as_ref().map(|spec| BinaryColumn::new(spec, text)),
            prediction: plan.prediction.as_ref().map(|spec| BinaryColumn::new(spec, text)),
            score: plan.score.as_ref().map(|column| NumberColumn::new(column, text)),
            weight: plan.weight.as_ref().map(|column| NumberColumn::new(column, text)),
            threshold: plan.decision_threshold.filter(|_| plan.prediction.is_none()),
            counter: Counter::new(),
            groups_full: false,
            rows: Box::new(Rows {
                groups: [0; BATCH_ROWS],
                labels: [NONE; BATCH_ROWS],
                predictions: [NONE; BATCH_ROWS],
                bins: [NO_SCORE; BATCH_ROWS],
                weights: [WEIGHT_ONE; BATCH_ROWS],
            }),
        }
    }

    fn read_scores(&mut self, batch: &Batch<'_>) -> Result<(), Fault> {
        let (Some(score), Some(column)) = (&mut self.score, self.roles.score) else { return Ok(()) };
        for (row, &span) in batch.column(column).iter().enumerate() {
            let value = score.read(batch.raw(span), batch.at[row])?;
            self.rows.bins[row] = value.map_or(NO_SCORE, cells::score_bin);
            if let Some(threshold) = self.threshold {
                self.rows.predictions[row] = value.map_or(NONE, |value| u8::from(value >= threshold));
            }
        }
        Ok(())
    }

    fn read_weights(&mut self, batch: &Batch<'_>) -> Result<(), Fault> {
        let (Some(weight), Some(column)) = (&mut self.weight, self.roles.weight) else { return Ok(()) };
        for (row, &span) in batch.column(column).iter().enumerate() {
            self.rows.weights[row] = weight.read_weight(batch.raw(span), batch.at[row])?;
        }
        Ok(())
    }
}

impl Sink for CountSink<'_> {
    type Part = ();

    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Fault> {
        let rows = batch.rows();
        self.rows.groups[..rows].fill(0);
        for (key, &column) in self.keys.iter_mut().zip(&self.roles.keys) {
            key.read(batch, column, &mut self.rows.groups)?;
        }
        if let (Some(label), Some(column)) = (&mut self.label, self.roles.label) {
            label.read(batch, column, &mut self.rows.labels);
        }
        if let (Some(prediction), Some(column)) = (&mut self.prediction, self.roles.prediction) {
            prediction.read(batch, column, &mut self.rows.predictions);
        }
        self.read_scores(batch)?;
        self.read_weights(batch)?;
        if self.groups_full {
            return Ok(());
        }
        let codes = &self.rows;
        for row in 0..rows {
            let group = self.counter.group(codes.groups[row]);
            self.counter.add(
                group,
                codes.labels[row],
                codes.predictions[row],
                codes.bins[row],
                (1, codes.weights[row]),
            );
        }
        self.groups_full = self.counter.groups() > GROUPS_MAX;
        Ok(())
    }

    fn end_block(&mut self) {}
}

/// Adds the threads' counts, giving levels their final codes.
fn merge(plan: &CellPlan, sinks: &[CountSink<'_>]) -> Result<Cells, Error> {
    let mut keys = Vec::new();
    for (index, spec) in plan.keys.iter().enumerate() {
        let columns = || sinks.iter().map(move |sink| &sink.keys[index]);
        let mut levels: Vec<String> = match spec {
            KeySpec::Bands { labels, .. } => labels.clone(),
            KeySpec::Categories { .. } => {
                columns().flat_map(KeyColumn::levels).collect::<BTreeSet<_>>().into_iter().cloned().collect()
            }
        };
        if levels.len() > LEVELS_MAX {
            return Err(Error::TooManyLevels { column: spec.column().to_owned(), limit: LEVELS_MAX });
        }
        if columns().any(|column| column.missing) {
            levels.push(MISSING_GROUP.to_owned());
        }
        keys.push(Key { column: spec.column().to_owned(), levels });
    }
    let mut total = Counter::new();
    for sink in sinks {
        let codes: Vec<Vec<u16>> = sink.keys.iter().zip(&keys).map(|(column, key)| final_codes(column, key)).collect();
        let recode = |packed: u128| {
            let count = codes.len();
            codes.iter().enumerate().fold(0, |group, (key, codes)| {
                let code = (packed >> (16 * (count - 1 - key))) as u16;
                let last = codes.len() - 1;
                group << 16 | u128::from(codes[if code == LEVEL_MISSING { last } else { usize::from(code) }])
            })
        };
        sink.counter.each(&mut |packed, label, prediction, bin, rows| {
            let group = total.group(recode(packed));
            total.add(group, label, prediction, bin, rows);
        });
    }
    if total.groups() > GROUPS_MAX || sinks.iter().any(|sink| sink.groups_full) {
        let columns = plan.keys.iter().map(|key| key.column().to_owned()).collect();
        return Err(Error::TooManyGroups { columns, limit: GROUPS_MAX });
    }
    let count = keys.len();
    Ok(total.finish(keys, |packed| cells::unpack(packed, count)))
}

/// For each code of a thread's column, and at the end for "missing", the index in the final levels.
fn final_codes(column: &KeyColumn<'_>, key: &Key) -> Vec<u16> {
    let index: BTreeMap<&String, u16> =
        key.levels.iter().enumerate().map(|(index, level)| (level, index as u16)).collect();
    let missing = key.levels.len().saturating_sub(1) as u16;
    match column.bands() {
        Some(count) => (0..count as u16).chain([missing]).collect(),
        None => column.levels().map(|level| index[level]).chain([missing]).collect(),
    }
}

/// Collects the first different values of one column; stops the pass when it has enough.
struct FirstValues<'p> {
    text: &'p CellText,
    found: &'p std::sync::Mutex<Vec<String>>,
}

impl Sink for FirstValues<'_> {
    type Part = ();

    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Fault> {
        let mut found = self.found.lock().expect("collecting values does not panic");
        for (row, &span) in batch.column(0).iter().enumerate() {
            let Some(value) = self.text.value(batch.raw(span)) else { continue };
            if found.iter().any(|found| found == value.as_ref()) {
                continue;
            }
            found.push(value.into_owned());
            if found.len() > VALUES_LISTED {
                return Err(Fault::new(batch.at[row], |_| Error::Changed));
            }
        }
        Ok(())
    }

    fn end_block(&mut self) {}
}

/// A cell as a number, for messages: the fault of one that is none.
fn number_fault(text: &CellText, column: &str, raw: &[u8], at: u64) -> Fault {
    let value = crate::error::shorten(&text.text(raw));
    let infinite = text.number(&text.text(raw)) == Number::Infinite;
    let column = column.to_owned();
    Fault::new(at, move |place| match infinite {
        true => Error::Infinite { place, column, value },
        false => Error::NotNumeric { place, column, value },
    })
}

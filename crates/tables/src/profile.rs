//! What is in a file: rows, and per column its kind, missing cells, distinct values, levels and numeric summary; one
//! streaming pass over all columns in bounded memory.
//!
//! A column is *numeric* if every present cell is a number, else *categorical*; with `;` or tab as delimiter `1,5` is a
//! number, unless the column also has `1.5`. Distinct values and level counts are exact up to a bound (10,000 levels,
//! fewer in files of very many columns), beyond it the number is an estimate of HyperLogLog (standard error 1.6 %) and
//! levels are not kept. Quantiles are exact within that bound, beyond it they come from a fixed pseudo-random sample of
//! rows. Every figure is a function of the file alone: sums are folded in block order, samples are drawn by hashes of
//! positions.

mod column;
mod duplicates;
mod hash;
mod numbers;

use crate::Cancel;
use crate::dataset::Dataset;
use crate::error::{Error, Fault, shorten};
use crate::profile::column::{Bounds, ColumnSketch};
use crate::profile::duplicates::RowHashes;
use crate::profile::numbers::Moments;
use crate::scan::{BATCH_ROWS, Batch, Sink};
use crate::text::CellText;

pub(crate) use hash::mix;

/// A profiled file.
#[derive(Debug, Clone, PartialEq)]
pub struct Profile {
    /// Data rows.
    pub rows: u64,
    /// Columns in file order.
    pub columns: Vec<ColumnProfile>,
    /// Rows that repeat an earlier one in all columns.
    pub duplicates: Duplicates,
}

/// One profiled column.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnProfile {
    /// Header name.
    pub name: String,
    /// Numeric or categorical.
    pub kind: ColumnKind,
    /// Missing cells.
    pub missing: u64,
    /// Different present texts.
    pub distinct: Distinct,
    /// Present texts and how often each occurs, in byte order; absent when there are too many.
    pub levels: Option<Vec<(String, u64)>>,
    /// Summary of a numeric column.
    pub numeric: Option<NumericSummary>,
    /// Whether the values look like identifiers: no two (or, estimated, hardly any two) alike, and texts or whole numbers.
    pub looks_like_id: bool,
}

/// Kind of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnKind {
    /// Every present cell is a number.
    Numeric,
    /// Some present cell is not.
    Categorical,
    /// No cell is present.
    Empty,
}

/// A number of different values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distinct {
    /// Exactly so many.
    Exact(u64),
    /// About so many (standard error 1.6 %).
    About(u64),
}

impl Distinct {
    /// The number, exact or not.
    #[must_use]
    pub fn count(self) -> u64 {
        match self {
            Self::Exact(count) | Self::About(count) => count,
        }
    }
}

/// Repeated rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duplicates {
    /// Rows that repeat an earlier one.
    pub rows: u64,
    /// Whether counted exactly (up to 64-bit hash collisions); else extrapolated from a share of the different rows.
    pub exact: bool,
}

/// Summary of the present numbers of a column.
#[derive(Debug, Clone, PartialEq)]
pub struct NumericSummary {
    /// Present cells.
    pub count: u64,
    /// Smallest.
    pub min: f64,
    /// Largest.
    pub max: f64,
    /// Mean.
    pub mean: f64,
    /// Standard deviation of the sample (n - 1); 0 for one cell.
    pub sd: f64,
    /// Whether all are whole numbers.
    pub integer: bool,
    /// Quantiles 0, 5, 10, ..., 100 % (smallest value with at least that share at or below it).
    pub quantiles: Vec<f64>,
    /// Whether the quantiles are exact, not of a sample of rows.
    pub quantiles_exact: bool,
}

impl Profile {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&ColumnProfile> {
        self.columns.iter().find(|column| column.name == name)
    }
}

impl Dataset {
    /// Profiles all columns in one streaming pass, in bounded memory.
    ///
    /// # Errors
    /// If the file is at fault: see [`Error`]. An infinite cell in an otherwise numeric column is one.
    pub fn profile(&self, cancel: &Cancel) -> Result<Profile, Error> {
        let names = self.column_names();
        let wanted: Vec<usize> = (0..names.len()).collect();
        let text = self.cell_text();
        let bounds = Bounds::for_columns(names.len());
        let sink = || ProfileSink::new(names.len(), &text, &bounds);
        let mut moments = vec![Moments::default(); names.len()];
        let done = self.scan(&wanted, cancel, &sink, &mut |part: Vec<Moments>| {
            moments.iter_mut().zip(&part).for_each(|(total, part)| total.merge(part));
            Ok(())
        })?;
        let mut sinks = done.sinks.into_iter();
        let mut total = sinks.next().expect("a pass has at least one thread");
        sinks.for_each(|sink| total.merge(sink));
        let mut columns = Vec::with_capacity(names.len());
        for ((name, column), moments) in names.iter().zip(total.columns).zip(&moments) {
            if let Some((at, value)) = column.infinite_cell() {
                let (place, value) = (self.place(at, cancel)?, shorten(value));
                return Err(Error::Infinite { place, column: name.clone(), value });
            }
            columns.push(column.finish(name, moments));
        }
        Ok(Profile { rows: done.rows, columns, duplicates: total.rows.finish(done.rows) })
    }
}

/// One thread's findings.
struct ProfileSink<'p> {
    text: &'p CellText,
    columns: Vec<ColumnSketch>,
    moments: Vec<Moments>,
    rows: RowHashes,
}

impl<'p> ProfileSink<'p> {
    fn new(columns: usize, text: &'p CellText, bounds: &Bounds) -> Self {
        Self {
            text,
            columns: (0..columns).map(|_| ColumnSketch::new(bounds)).collect(),
            moments: vec![Moments::default(); columns],
            rows: RowHashes::new(),
        }
    }

    fn merge(&mut self, other: Self) {
        self.columns.iter_mut().zip(other.columns).for_each(|(column, other)| column.merge(other));
        self.rows.merge(&other.rows);
    }
}

impl Sink for ProfileSink<'_> {
    type Part = Vec<Moments>;

    fn batch(&mut self, batch: &Batch<'_>) -> Result<(), Fault> {
        let mut hashes = [0; BATCH_ROWS];
        let mut draws = [0; BATCH_ROWS];
        for (draw, &at) in draws.iter_mut().zip(batch.at) {
            *draw = mix(at);
        }
        for (index, column) in self.columns.iter_mut().enumerate() {
            column.read(batch, index, self.text, &draws, &mut self.moments[index], &mut hashes);
        }
        hashes[..batch.rows()].iter().for_each(|&hash| self.rows.add(hash));
        Ok(())
    }

    fn end_block(&mut self) -> Vec<Moments> {
        self.moments.iter_mut().map(std::mem::take).collect()
    }
}

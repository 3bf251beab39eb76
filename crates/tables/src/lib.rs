//! Tabular data in, typed columns and *cells* out.
//!
//! A data file (CSV or Parquet; a path, an upload or an object store) is opened as a [`Dataset`]: the header is read
//! and the dialect known, nothing else. From there either [`Dataset::load`] makes a [`Table`] of typed columns, or
//! [`Dataset::count`] makes [`Cells`] in one streaming pass: counts by (protected values x label x prediction x
//! score bin), from which every group metric follows whatever the row count.
//!
//! Invariants: bytes are hostile and bounded before they are stored; the same bytes give the same result on any number
//! of threads; errors name the line and the column, and say what to change.

mod cancel;
pub mod cells;
mod count;
mod csv;
mod dataset;
mod error;
mod intern;
mod load;
mod names;
mod options;
mod parquet;
mod profile;
mod scan;
pub mod source;
mod table;
mod text;

pub use cancel::{Cancel, Cancelled};
pub use cells::{Cell, CellBuilder, Cells};
pub use count::{BinarySpec, CellPlan, GROUPS_MAX, KeySpec, LEVELS_MAX, same_label};
pub use dataset::Dataset;
pub use error::{Error, Place};
pub use load::Sample;
pub use options::{Encoding, MISSING_SPELLINGS, ReadOptions};
pub use profile::{ColumnKind, ColumnProfile, Distinct, Duplicates, NumericSummary, Profile};
pub use table::{Column, ColumnData, MISSING, Table};

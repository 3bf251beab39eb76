//! The charts of the product: one module for the pages, the HTML report and the PDF.
//!
//! Each chart is a pure function from a part of a certificate, or from plain figures of interactions, to a [`Chart`]: a
//! title that says the finding, a description, an SVG and the same numbers as a table. Intervals are always drawn,
//! reference lines are named, bars begin at zero, small groups are hatched, rows are sorted by what matters.
//!
//! Invariant: what a chart leaves out for want of room stands in its table, and the chart says how much it left out.

mod calibration;
mod canvas;
mod contributions;
mod daily;
mod error_rates;
mod flips;
mod impact_ratios;
mod missingness;
mod mitigations;
mod proxies;
mod risk_terms;
mod rows;
mod selection_rates;
mod threshold_sweep;

pub use self::calibration::calibration;
pub use self::canvas::Medium;
pub use self::contributions::{contributions, group_contributions};
pub use self::daily::{InteractionDay, risk_by_day, statuses_by_day, tokens_by_day};
pub use self::error_rates::error_rates;
pub use self::flips::flips;
pub use self::impact_ratios::impact_ratios;
pub use self::missingness::missingness;
pub use self::mitigations::mitigations;
pub(crate) use self::mitigations::price;
pub use self::proxies::proxies;
pub use self::risk_terms::{RiskTermView, risk_terms};
pub use self::selection_rates::selection_rates;
pub use self::threshold_sweep::threshold_sweep;

/// A finished chart.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Chart {
    /// Unique in its document; also the anchor of the figure.
    pub id: String,
    /// The finding in one sentence.
    pub title: String,
    /// What is drawn, for readers who cannot see it.
    pub description: String,
    /// The drawing.
    pub svg: String,
    /// Height of the drawing in pixels.
    pub height_px: u32,
    /// The numbers drawn.
    pub table: DataTable,
}

/// A table of formatted cells.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct DataTable {
    /// Head cells.
    pub columns: Vec<TableColumn>,
    /// As many cells a row as there are columns.
    pub rows: Vec<Vec<String>>,
}

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TableColumn {
    /// Head.
    pub label: String,
    /// Whether its cells are numbers, set to the right.
    pub digits: bool,
}

impl DataTable {
    /// An empty table; a label that begins with `#` heads a column of numbers.
    #[must_use]
    pub fn new(labels: &[&str]) -> DataTable {
        let columns = labels
            .iter()
            .map(|label| match label.strip_prefix('#') {
                Some(label) => TableColumn { label: label.to_owned(), digits: true },
                None => TableColumn { label: (*label).to_owned(), digits: false },
            })
            .collect();
        DataTable { columns, rows: Vec::new() }
    }

    /// Numbers of the columns of digits, from one: a page says it once a table instead of once a cell.
    pub(crate) fn digit_columns(&self) -> String {
        let digits = self.columns.iter().enumerate().filter(|(_, column)| column.digits);
        digits.map(|(index, _)| (index + 1).to_string()).collect::<Vec<_>>().join(" ")
    }
}

/// The anchor of the chart of a kind at a position: attribute names may be anything, positions are unique and safe.
pub(crate) fn anchor(kind: &str, index: usize) -> String {
    format!("{kind}-{}", index + 1)
}

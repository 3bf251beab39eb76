//! Typed columns in memory: what models are trained on and asked with.

/// Code of a missing categorical cell.
pub const MISSING: u32 = u32::MAX;

/// Columns of equal length.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Table {
    /// Columns in file order.
    pub columns: Vec<Column>,
    /// Rows in each.
    pub rows: usize,
}

/// One named column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Header name, trimmed.
    pub name: String,
    /// Its cells.
    pub data: ColumnData,
}

/// The cells of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum ColumnData {
    /// Numbers; a missing cell is NaN, infinities do not occur.
    Numeric(Vec<f64>),
    /// Texts as codes into `levels`.
    Categorical {
        /// One code a row; [`MISSING`] where the cell is missing.
        codes: Vec<u32>,
        /// Distinct texts in byte order.
        levels: Vec<String>,
    },
}

impl Table {
    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }
}

//! Small tables and measures that several tests share.

use assize_tables::{Column, ColumnData, Table};

/// A small generator (SplitMix64), so that tests do not lean on the code they test.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        value ^ (value >> 31)
    }

    /// Uniform in [0, 1).
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }
}

pub(crate) fn numeric(name: &str, values: Vec<f64>) -> Column {
    Column { name: name.to_owned(), data: ColumnData::Numeric(values) }
}

/// A text column; an empty text is missing.
pub(crate) fn categorical(name: &str, texts: &[&str]) -> Column {
    let mut levels: Vec<String> = texts.iter().filter(|text| !text.is_empty()).map(|text| text.to_string()).collect();
    levels.sort();
    levels.dedup();
    let codes = texts
        .iter()
        .map(|text| levels.binary_search_by(|level| level.as_str().cmp(text)).map_or(u32::MAX, |at| at as u32))
        .collect();
    Column { name: name.to_owned(), data: ColumnData::Categorical { codes, levels } }
}

pub(crate) fn table(columns: Vec<Column>) -> Table {
    let rows = columns.first().map_or(0, |column| match &column.data {
        ColumnData::Numeric(values) => values.len(),
        ColumnData::Categorical { codes, .. } => codes.len(),
    });
    Table { columns, rows }
}

pub(crate) fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}

/// Area under the ROC curve: how often a positive scores above a negative, ties counted half.
pub(crate) fn auc(scores: &[f64], labels: &[u8]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
    for tied in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let here = tied.iter().filter(|row| labels[**row] == 1).count() as f64;
        let negatives = tied.len() as f64 - here;
        wins += here * (below + negatives / 2.0);
        below += negatives;
        positives += here;
    }
    wins / (positives * below)
}

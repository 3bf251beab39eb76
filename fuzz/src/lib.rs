//! What the targets of model files do with their bytes: scan, open, and ask what opens a few rows.

use std::sync::LazyLock;

use assize_models::{Limits, open, scan};
use assize_tables::{Cancel, Column, ColumnData, MISSING, Table};

/// Inputs that are given rows; a model of more is not asked.
const COLUMNS_MAX: usize = 64;

/// Rows that are asked: a few numbers, a missing one, and texts.
const ROWS: usize = 4;

/// Tight enough that a run cannot be slowed down by honest work.
static LIMITS: LazyLock<Limits> = LazyLock::new(|| Limits {
    unpacked_bytes_max: 16 << 20,
    unpacked_bytes_free: 4 << 20,
    nodes_max: 200_000,
    references_max: 1_000_000,
    ..Limits::default()
});

/// Any answer will do; a panic, a hang or memory beyond the limit will not.
pub fn ask(bytes: &[u8]) {
    let _ = scan(bytes, &LIMITS);
    let Ok(model) = open(bytes, "model", &LIMITS) else { return };
    let features = model.features();
    if features.len() > COLUMNS_MAX {
        return;
    }
    let count = if features.is_empty() { 1 } else { features.len() };
    for texts in [false, true] {
        let columns = (0..count).map(|at| {
            let name = features.get(at).and_then(|feature| feature.name.clone()).unwrap_or_else(|| at.to_string());
            Column { name, data: cells(at, texts) }
        });
        let rows = Table { columns: columns.collect(), rows: ROWS };
        let _ = model.predict(&rows, &Cancel::new());
        let _ = model.values(&rows, &Cancel::new());
        let _ = model.answers(&rows, &Cancel::new());
        for class in 0..model.classes().len().min(3) {
            let _ = model.contributions(&rows, 2, class, &Cancel::new());
        }
    }
}

fn cells(column: usize, texts: bool) -> ColumnData {
    if texts && column % 2 == 0 {
        let levels = ["a", "Private", "the quick É"].map(str::to_owned).to_vec();
        return ColumnData::Categorical { codes: vec![0, 1, 2, MISSING], levels };
    }
    ColumnData::Numeric(vec![0.0, column as f64 * 7.5 - 3.0, 1e9, f64::NAN])
}

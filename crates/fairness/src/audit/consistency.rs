//! Individual fairness: do people who look alike get the same decision (Zemel 2013)?

use assize_tables::{ColumnData, Table};

use super::decisions::Decisions;
use super::frame::{Frame, select_rows};
use crate::forensics::mix;

/// People looked at, each against all others.
const ROWS_MAX: usize = 600;
/// Neighbours compared with.
const NEIGHBOURS: usize = 5;

/// 1 - mean |decision - mean decision of the five nearest neighbours| on a sample of the judged rows; distances are
/// Gower's over the columns a model may read but the protected ones. `None` with too few rows.
pub(crate) fn consistency(frame: &Frame, decisions: &Decisions, seed: u64) -> Option<f64> {
    let mut places: Vec<usize> = (0..decisions.rows.len()).collect();
    places.sort_unstable_by_key(|place| (mix(mix(seed ^ 0x6e65_6172) ^ *place as u64), *place));
    places.truncate(ROWS_MAX);
    if places.len() <= NEIGHBOURS {
        return None;
    }
    let rows: Vec<u32> = places.iter().map(|place| decisions.rows[*place]).collect();
    let mut table = select_rows(&frame.table, &rows);
    let protected = |name: &str| frame.groups.iter().any(|groups| groups.attribute == name);
    table.columns.retain(|column| frame.features.contains(&column.name) && !protected(&column.name));
    let distances = distances(&table);
    let decided: Vec<f64> = places.iter().map(|place| f64::from(decisions.decisions[*place])).collect();
    let mut differences = 0.0;
    for (row, own) in distances.chunks(places.len()).enumerate() {
        let mut order: Vec<usize> = (0..places.len()).filter(|other| *other != row).collect();
        order.select_nth_unstable_by(NEIGHBOURS - 1, |a, b| own[*a].total_cmp(&own[*b]).then(a.cmp(b)));
        let near = order[..NEIGHBOURS].iter().map(|other| decided[*other]).sum::<f64>() / NEIGHBOURS as f64;
        differences += (decided[row] - near).abs();
    }
    Some(1.0 - differences / places.len() as f64)
}

/// Gower distances, row-major: numbers by their share of the range, texts by being equal.
fn distances(table: &Table) -> Vec<f32> {
    let n = table.rows;
    let mut sums = vec![0.0_f32; n * n];
    for column in &table.columns {
        match &column.data {
            ColumnData::Numeric(values) => {
                let bounds = values
                    .iter()
                    .filter(|value| !value.is_nan())
                    .fold((f64::MAX, f64::MIN), |bounds, value| (bounds.0.min(*value), bounds.1.max(*value)));
                let range = (bounds.1 - bounds.0).max(f64::MIN_POSITIVE);
                let scaled: Vec<f32> = values.iter().map(|value| ((value - bounds.0) / range) as f32).collect();
                for (own, sums) in scaled.iter().zip(sums.chunks_mut(n)) {
                    for (sum, other) in sums.iter_mut().zip(&scaled) {
                        let distance = (own - other).abs();
                        *sum += if distance.is_nan() { 1.0 } else { distance };
                    }
                }
            }
            ColumnData::Categorical { codes, .. } => {
                for (own, sums) in codes.iter().zip(sums.chunks_mut(n)) {
                    for (sum, other) in sums.iter_mut().zip(codes) {
                        *sum += f32::from(u8::from(own != other));
                    }
                }
            }
        }
    }
    sums
}

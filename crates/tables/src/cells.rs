//! Cells: counts by (group x label x prediction x score bin).
//!
//! A [`Cells`] is what is left of a data set once only group fairness is asked of it: some hundred to some thousand
//! counts, whatever the number of rows. Cells of parts of a data set add up exactly ([`Cells::merge`]): counts are
//! integers, weights are fixed point, so neither order nor threads change a bit.

use std::collections::BTreeMap;

/// Bins of the score: bin `b` holds scores in `[b/1024, (b+1)/1024)`, the last one also 1.0.
pub const SCORE_BINS: u16 = 1024;
/// `bin` of a row without a score.
pub const NO_SCORE: u16 = u16::MAX;
/// `label` or `prediction` of a row that has none.
pub const NONE: u8 = 2;
/// Weights are held as multiples of 2^-20.
pub const WEIGHT_ONE: i64 = 1 << 20;
/// Level name of a missing protected value: a group of its own.
pub const MISSING_GROUP: &str = "(missing)";

/// One protected column and the groups it has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Column name.
    pub column: String,
    /// Group names: categories in byte order, bands in numeric order; [`MISSING_GROUP`] last when it occurs.
    pub levels: Vec<String>,
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cell {
    /// Index into [`Cells::groups`].
    pub group: u32,
    /// 1 favourable, 0 unfavourable, [`NONE`] no label.
    pub label: u8,
    /// 1 favourable, 0 unfavourable, [`NONE`] no prediction.
    pub prediction: u8,
    /// Score bin, or [`NO_SCORE`].
    pub bin: u16,
    /// Rows.
    pub count: u64,
    /// Sum of row weights in multiples of 2^-20; `count * WEIGHT_ONE` when unweighted.
    pub weight: i64,
}

/// All cells of a data set. Sorted by (group, label, prediction, bin); every (group, label, prediction, bin) at most once.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells {
    /// The protected columns.
    pub keys: Vec<Key>,
    /// Combinations of level indexes that occur, one index a key, in lexicographic order.
    pub groups: Vec<Vec<u16>>,
    /// The counts.
    pub cells: Vec<Cell>,
}

/// Counts rows one at a time, when they are in memory already.
#[derive(Debug, Clone)]
pub struct CellBuilder {
    keys: Vec<Key>,
    counts: BTreeMap<(Vec<u16>, u8, u8, u16), (u64, i64)>,
}

impl CellBuilder {
    /// A builder over these protected columns.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        Self { keys, counts: BTreeMap::new() }
    }

    /// Counts one row. `levels` holds one level index a key.
    pub fn add(&mut self, levels: &[u16], label: u8, prediction: u8, bin: u16, weight: i64) {
        debug_assert_eq!(levels.len(), self.keys.len());
        let entry = self.counts.entry((levels.to_vec(), label, prediction, bin)).or_insert((0, 0));
        entry.0 += 1;
        entry.1 += weight;
    }

    /// The finished cells.
    #[must_use]
    pub fn finish(self) -> Cells {
        let mut groups: Vec<Vec<u16>> = Vec::new();
        let mut cells = Vec::with_capacity(self.counts.len());
        for ((levels, label, prediction, bin), (count, weight)) in self.counts {
            if groups.last() != Some(&levels) {
                groups.push(levels);
            }
            let group = u32::try_from(groups.len() - 1).expect("groups are bounded well under 2^32");
            cells.push(Cell { group, label, prediction, bin, count, weight });
        }
        Cells { keys: self.keys, groups, cells }
    }
}

/// The bin of a score in [0, 1].
#[must_use]
pub fn score_bin(score: f64) -> u16 {
    let bin = (score.clamp(0.0, 1.0) * f64::from(SCORE_BINS)) as u16;
    bin.min(SCORE_BINS - 1)
}

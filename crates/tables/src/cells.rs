//! Cells: counts by (group x label x prediction x score bin).
//!
//! A [`Cells`] is what is left of a data set once only group fairness is asked of it: some hundred to some thousand
//! counts, whatever the number of rows. Cells of parts of a data set add up exactly ([`Cells::merge`]): counts are
//! integers, weights are fixed point, so neither order nor threads change a bit.

use std::collections::BTreeSet;

use crate::intern::ShortMap;

/// Bins of the score: bin `b` holds scores in `[b/1024, (b+1)/1024)`, the last one also 1.0.
pub const SCORE_BINS: u16 = 1024;
/// `bin` of a row without a score.
pub const NO_SCORE: u16 = u16::MAX;
/// `label` or `prediction` of a row that has none.
pub const NONE: u8 = 2;
/// Weights are held as multiples of 2^-20.
pub const WEIGHT_ONE: i64 = 1 << 20;
/// Most key columns of a cell.
pub const KEYS_MAX: usize = 8;
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

impl Cells {
    /// Rows counted.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.cells.iter().map(|cell| cell.count).sum()
    }

    /// Adds the cells of another part of the same data. Levels are matched by name, so each part may know other ones;
    /// band labels must be the same in both.
    ///
    /// # Panics
    /// If the two are cells of different columns: a programmer's error.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let columns = |cells: &Self| cells.keys.iter().map(|key| key.column.clone()).collect::<Vec<_>>();
        assert_eq!(columns(self), columns(other), "cells of the same columns are merged");
        let keys: Vec<Key> = self.keys.iter().zip(&other.keys).map(|(a, b)| merge_levels(a, b)).collect();
        let mut builder = CellBuilder::new(keys);
        for part in [self, other] {
            let codes: Vec<Vec<u16>> =
                part.keys.iter().zip(builder.keys()).map(|(old, new)| recode(old, new)).collect();
            for cell in &part.cells {
                let levels = &part.groups[cell.group as usize];
                let levels: Vec<u16> =
                    levels.iter().zip(&codes).map(|(&level, codes)| codes[usize::from(level)]).collect();
                builder.add_many(&levels, cell.label, cell.prediction, cell.bin, (cell.count, cell.weight));
            }
        }
        builder.finish()
    }
}

fn merge_levels(a: &Key, b: &Key) -> Key {
    let named = |key: &Key| key.levels.iter().filter(|level| *level != MISSING_GROUP).cloned().collect::<Vec<_>>();
    let (ours, theirs) = (named(a), named(b));
    let mut levels = if ours == theirs {
        ours
    } else {
        ours.into_iter().chain(theirs).collect::<BTreeSet<_>>().into_iter().collect()
    };
    if a.levels.iter().chain(&b.levels).any(|level| level == MISSING_GROUP) {
        levels.push(MISSING_GROUP.to_owned());
    }
    Key { column: a.column.clone(), levels }
}

/// For each level of `old`, its index in `new`.
fn recode(old: &Key, new: &Key) -> Vec<u16> {
    let index = |level: &String| new.levels.iter().position(|other| other == level).expect("merged levels hold all");
    old.levels.iter().map(|level| index(level) as u16).collect()
}

/// Cells of predictions that are in memory already.
///
/// `keys` holds for each protected column its levels and one level index a row; the other columns, where given, have
/// one entry a row: labels and predictions 0, 1 or [`NONE`], scores in [0, 1] (NaN: none), weights from 0 to 1e9.
///
/// # Panics
/// If the columns have different lengths, or there are more than [`KEYS_MAX`] keys: programmer's errors.
#[must_use]
pub fn count_rows(
    keys: &[(Key, Vec<u16>)],
    labels: Option<&[u8]>,
    predictions: &[u8],
    scores: Option<&[f64]>,
    weights: Option<&[f64]>,
) -> Cells {
    let rows = predictions.len();
    assert!(keys.iter().all(|(_, codes)| codes.len() == rows), "one level a row");
    let mut builder = CellBuilder::new(keys.iter().map(|(key, _)| key.clone()).collect());
    let mut levels = vec![0; keys.len()];
    for row in 0..rows {
        for (level, (_, codes)) in levels.iter_mut().zip(keys) {
            *level = codes[row];
        }
        let bin =
            scores.map_or(NO_SCORE, |scores| if scores[row].is_nan() { NO_SCORE } else { score_bin(scores[row]) });
        let weight = weights.map_or(WEIGHT_ONE, |weights| fixed_weight(weights[row]));
        builder.add(&levels, labels.map_or(NONE, |labels| labels[row]), predictions[row], bin, weight);
    }
    builder.finish()
}

/// A weight in fixed point, rounded to the nearest multiple of 2^-20.
#[must_use]
pub fn fixed_weight(weight: f64) -> i64 {
    (weight * WEIGHT_ONE as f64).round() as i64
}

/// Counts rows one at a time, when they are in memory already.
#[derive(Debug, Clone)]
pub struct CellBuilder {
    keys: Vec<Key>,
    counter: Counter,
}

impl CellBuilder {
    /// A builder over these protected columns, [`KEYS_MAX`] at most.
    #[must_use]
    pub fn new(keys: Vec<Key>) -> Self {
        assert!(keys.len() <= KEYS_MAX, "cells have {KEYS_MAX} keys at most");
        Self { keys, counter: Counter::new() }
    }

    /// The columns counted by.
    #[must_use]
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Counts one row. `levels` holds one level index a key.
    pub fn add(&mut self, levels: &[u16], label: u8, prediction: u8, bin: u16, weight: i64) {
        self.add_many(levels, label, prediction, bin, (1, weight));
    }

    /// Counts rows alike: how many, and the sum of their weights.
    pub fn add_many(&mut self, levels: &[u16], label: u8, prediction: u8, bin: u16, rows: (u64, i64)) {
        debug_assert_eq!(levels.len(), self.keys.len());
        let group = self.counter.group(pack(levels));
        self.counter.add(group, label, prediction, bin, rows);
    }

    /// The finished cells.
    #[must_use]
    pub fn finish(self) -> Cells {
        let count = self.keys.len();
        self.counter.finish(self.keys, |packed| unpack(packed, count))
    }
}

/// Level codes side by side, the first key in the highest bits: packed groups sort as their tuples do.
pub(crate) fn pack(levels: &[u16]) -> u128 {
    levels.iter().fold(0, |packed, &level| packed << 16 | u128::from(level))
}

pub(crate) fn unpack(packed: u128, count: usize) -> Vec<u16> {
    (0..count).rev().map(|key| (packed >> (16 * key)) as u16).collect()
}

/// Label x prediction of a group without score: what most audits need, side by side.
const PLAIN: usize = 9;
/// Places of a score histogram.
const BINS: usize = SCORE_BINS as usize;

/// The counts themselves: a group gets a number on its first row; its nine plain counts lie side by side, and
/// histograms of scores are made for the (group, label, prediction) that have scores.
#[derive(Debug, Clone)]
pub(crate) struct Counter {
    numbers: ShortMap,
    groups: Vec<u128>,
    plain: Vec<(u64, i64)>,
    /// For each plain place the number of its histogram, or [`NO_HISTOGRAM`].
    histogram: Vec<u32>,
    scored: Vec<(u64, i64)>,
}

const NO_HISTOGRAM: u32 = u32::MAX;

impl Counter {
    pub(crate) fn new() -> Self {
        Self {
            numbers: ShortMap::new(),
            groups: Vec::new(),
            plain: Vec::new(),
            histogram: Vec::new(),
            scored: Vec::new(),
        }
    }

    /// Groups met.
    pub(crate) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The number of a group.
    #[inline]
    pub(crate) fn group(&mut self, packed: u128) -> u32 {
        if let Some(number) = self.numbers.get(packed, 0) {
            return number;
        }
        let number = u32::try_from(self.groups.len()).expect("groups are bounded well under 2^32");
        self.numbers.insert(packed, 0, number);
        self.groups.push(packed);
        self.plain.resize(self.plain.len() + PLAIN, (0, 0));
        self.histogram.resize(self.histogram.len() + PLAIN, NO_HISTOGRAM);
        number
    }

    #[inline]
    pub(crate) fn add(&mut self, group: u32, label: u8, prediction: u8, bin: u16, (rows, weight): (u64, i64)) {
        debug_assert!(label <= NONE && prediction <= NONE);
        let place = group as usize * PLAIN + usize::from(label) * 3 + usize::from(prediction);
        let count = if bin == NO_SCORE { &mut self.plain[place] } else { self.scored_place(place, bin) };
        count.0 += rows;
        // Saturating: a sum of weights beyond 8e12 is no count of people, and must not wrap round.
        count.1 = count.1.saturating_add(weight);
    }

    #[inline]
    fn scored_place(&mut self, place: usize, bin: u16) -> &mut (u64, i64) {
        if self.histogram[place] == NO_HISTOGRAM {
            self.histogram[place] = (self.scored.len() / BINS) as u32;
            self.scored.resize(self.scored.len() + BINS, (0, 0));
        }
        &mut self.scored[self.histogram[place] as usize * BINS + usize::from(bin)]
    }

    /// Calls `each` with (packed group, label, prediction, bin, (rows, weight)) of every cell that has rows.
    pub(crate) fn each(&self, each: &mut dyn FnMut(u128, u8, u8, u16, (u64, i64))) {
        for (number, &packed) in self.groups.iter().enumerate() {
            for place in 0..PLAIN {
                let (label, prediction) = ((place / 3) as u8, (place % 3) as u8);
                let index = number * PLAIN + place;
                if self.histogram[index] != NO_HISTOGRAM {
                    let bins = &self.scored[self.histogram[index] as usize * BINS..][..BINS];
                    for (bin, &rows) in bins.iter().enumerate().filter(|(_, rows)| rows.0 > 0) {
                        each(packed, label, prediction, bin as u16, rows);
                    }
                }
                if self.plain[index].0 > 0 {
                    each(packed, label, prediction, NO_SCORE, self.plain[index]);
                }
            }
        }
    }

    /// The cells, groups sorted.
    pub(crate) fn finish(&self, keys: Vec<Key>, levels: impl Fn(u128) -> Vec<u16>) -> Cells {
        let mut sorted: Vec<(Vec<u16>, u128)> = self.groups.iter().map(|&packed| (levels(packed), packed)).collect();
        sorted.sort_unstable();
        let mut numbers = ShortMap::new();
        for (number, (_, packed)) in sorted.iter().enumerate() {
            numbers.insert(*packed, 0, number as u32);
        }
        let mut cells = Vec::new();
        self.each(&mut |packed, label, prediction, bin, (count, weight)| {
            let group = numbers.get(packed, 0).expect("every group was numbered");
            cells.push(Cell { group, label, prediction, bin, count, weight });
        });
        cells.sort_unstable_by_key(|cell| (cell.group, cell.label, cell.prediction, cell.bin));
        Cells { keys, groups: sorted.into_iter().map(|(levels, _)| levels).collect(), cells }
    }
}

/// The bin of a score in [0, 1].
#[must_use]
pub fn score_bin(score: f64) -> u16 {
    let bin = (score.clamp(0.0, 1.0) * f64::from(SCORE_BINS)) as u16;
    bin.min(SCORE_BINS - 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cells(levels: &[&str], rows: &[(u16, u8, u8, Option<f64>)]) -> Cells {
        let key = Key { column: "sex".into(), levels: levels.iter().map(ToString::to_string).collect() };
        let codes = rows.iter().map(|row| row.0).collect();
        let labels: Vec<u8> = rows.iter().map(|row| row.1).collect();
        let predictions: Vec<u8> = rows.iter().map(|row| row.2).collect();
        let scores: Vec<f64> = rows.iter().map(|row| row.3.unwrap_or(f64::NAN)).collect();
        count_rows(&[(key, codes)], Some(&labels), &predictions, Some(&scores), None)
    }

    #[test]
    fn cells_are_sorted_and_hold_every_row_once() {
        let cells = cells(&["f", "m"], &[(1, 1, 0, None), (0, 1, 1, Some(1.0)), (1, 1, 0, None), (0, 2, 1, Some(0.0))]);
        let plain = |cell: &Cell| (cell.group, cell.label, cell.prediction, cell.bin, cell.count);
        let want = vec![(0, 1, 1, 1023, 1), (0, 2, 1, 0, 1), (1, 1, 0, NO_SCORE, 2)];
        assert_eq!(cells.cells.iter().map(plain).collect::<Vec<_>>(), want);
        assert_eq!(cells.cells[2].weight, 2 * WEIGHT_ONE);
        assert_eq!(cells.groups, vec![vec![0], vec![1]]);
    }

    #[test]
    fn merging_matches_levels_by_name() {
        let a = cells(&["f", "m"], &[(0, 1, 1, None), (1, 0, 0, None)]);
        let b = cells(&["d", "m", MISSING_GROUP], &[(0, 1, 1, None), (1, 0, 0, None), (2, 0, 0, None)]);
        let merged = a.merge(&b);
        assert_eq!(merged.keys[0].levels, ["d", "f", "m", MISSING_GROUP]);
        assert_eq!(merged.cells.iter().map(|cell| cell.count).collect::<Vec<_>>(), [1, 1, 2, 1]);
    }

    fn some_cells() -> impl Strategy<Value = Cells> {
        let row = (0u16..3, 0u8..3, 0u8..3, proptest::option::of(0.0f64..=1.0));
        let levels =
            proptest::sample::select(vec![["a", "b", "c"], ["b", "d", MISSING_GROUP], ["a", "z", MISSING_GROUP]]);
        (levels, proptest::collection::vec(row, 0..40)).prop_map(|(levels, rows)| cells(&levels, &rows))
    }

    proptest! {
        #[test]
        fn merging_does_not_depend_on_order(a in some_cells(), b in some_cells(), c in some_cells()) {
            prop_assert_eq!(a.merge(&b), b.merge(&a));
            prop_assert_eq!(a.merge(&b).merge(&c), a.merge(&b.merge(&c)));
            prop_assert_eq!(a.merge(&b).rows(), a.rows() + b.rows());
        }
    }
}

//! The best cut of a node: counts by bin, then one pass over the bins.
//!
//! Cost matters more here than anywhere else: a forest on 20,000 rows looks at some 300,000 nodes, most of them of a
//! few rows. A node therefore never pays for all 256 bins unless it has about as many rows.

use super::binning::MISSING_BIN;
use super::record::{Rows, tag_counts};
use super::tree::Test;

/// Nodes of fewer records note which bins they touch; larger ones look at all bins of the feature.
const SPARSE_RECORDS_MAX: usize = 64;

/// Features searched together.
pub(super) const BATCH: usize = 4;

const TAG_COUNTS: [u64; 256] = tag_counts();

/// Draws: all, and those with a positive label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) all: u32,
    pub(super) positive: u32,
}

/// The node that is to be cut.
#[derive(Debug, Clone, Copy)]
pub(super) struct Whole {
    pub(super) counts: Counts,
    /// Least draws on either side.
    pub(super) min_samples_leaf: u32,
}

/// A feature and the number of its bins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Candidate {
    pub(super) feature: usize,
    pub(super) bins: usize,
}

/// A cut of a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    pub(super) feature: usize,
    pub(super) test: Test,
    pub(super) left: Counts,
    /// `p_l^2 / n_l + p_r^2 / n_r` with positive draws p of n: the larger, the purer (see [`Split::decrease`]).
    purity: f64,
}

/// Buffers of the search; every thread has its own.
pub(super) struct Searcher {
    /// Of each feature searched together; zero between searches. Neighbouring records add to different ones: most rows of a
    /// skewed column share a bin, and adding to the same place again and again waits for the addition before.
    histograms: Box<[[[u64; 256]; 2]; BATCH]>,
    /// Bins that occur, one bit each, for small nodes.
    touched: [[u64; 4]; BATCH],
    /// Occupied bins in ascending order, with their packed counts.
    cells: Box<[(u8, u64); 256]>,
}

impl Counts {
    fn unpack(packed: u64) -> Self {
        Self { all: packed as u32, positive: (packed >> 32) as u32 }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { all: self.all - other.all, positive: self.positive - other.positive }
    }

    pub(super) fn is_pure(self) -> bool {
        self.positive == 0 || self.positive == self.all
    }
}

/// Adds up the draws of records.
pub(super) fn count<R: Rows>(records: &[R::Record]) -> Counts {
    Counts::unpack(records.iter().map(|record| TAG_COUNTS[usize::from(R::tag(record))]).sum())
}

impl Split {
    /// By how much the cut lowers the node's Gini impurity times its draws. With p positive of n draws that product is
    /// `2 (p - p^2 / n)`, so it falls by `2 (purity - p^2 / n)`.
    pub(super) fn decrease(&self, node: Counts) -> f64 {
        let positive = f64::from(node.positive);
        (2.0 * (self.purity - positive * positive / f64::from(node.all))).max(0.0)
    }
}

impl Searcher {
    pub(super) fn new() -> Self {
        Self { histograms: Box::new([[[0; 256]; 2]; BATCH]), touched: [[0; 4]; BATCH], cells: Box::new([(0, 0); 256]) }
    }

    /// Looks for a cut that is better than `best` among at most [`BATCH`] features, counting all of them in one pass over
    /// the records; calls `constant` for features of which all records have one bin.
    pub(super) fn search<R: Rows>(
        &mut self,
        source: &R,
        records: &[R::Record],
        candidates: &[Candidate],
        whole: Whole,
        mut best: Option<Split>,
        mut constant: impl FnMut(Candidate),
    ) -> Option<Split> {
        match candidates {
            [a] => self.count::<R, 1>(source, records, [a.feature]),
            [a, b] => self.count::<R, 2>(source, records, [a.feature, b.feature]),
            [a, b, c] => self.count::<R, 3>(source, records, [a.feature, b.feature, c.feature]),
            [a, b, c, d] => self.count::<R, 4>(source, records, [a, b, c, d].map(|one| one.feature)),
            _ => unreachable!("no more than a batch is searched together"),
        }
        for (slot, candidate) in candidates.iter().enumerate() {
            let sparse = records.len() < SPARSE_RECORDS_MAX;
            let occupied = if sparse { self.take_touched(slot) } else { self.take_all(slot, candidate.bins) };
            let cells = &self.cells[..occupied];
            if cells.len() < 2 {
                constant(*candidate);
                continue;
            }
            best = better_cut(cells, candidate.feature, whole, best);
        }
        best
    }

    /// Adds up the records by bin of each feature.
    fn count<R: Rows, const N: usize>(&mut self, source: &R, records: &[R::Record], features: [usize; N]) {
        let bin = |record: &R::Record, slot: usize| source.bin(record, features[slot]);
        let weight = |record: &R::Record| TAG_COUNTS[usize::from(R::tag(record))];
        if records.len() < SPARSE_RECORDS_MAX {
            for record in records {
                let own = weight(record);
                for slot in 0..N {
                    let bin = bin(record, slot);
                    self.touched[slot][usize::from(bin >> 6)] |= 1 << (bin & 63);
                    self.histograms[slot][0][usize::from(bin)] += own;
                }
            }
            return;
        }
        let (pairs, rest) = records.as_chunks::<2>();
        for [a, b] in pairs {
            let (first, second) = (weight(a), weight(b));
            for slot in 0..N {
                self.histograms[slot][0][usize::from(bin(a, slot))] += first;
                self.histograms[slot][1][usize::from(bin(b, slot))] += second;
            }
        }
        for record in rest {
            for slot in 0..N {
                self.histograms[slot][0][usize::from(bin(record, slot))] += weight(record);
            }
        }
    }

    /// Moves the counts of a small node to the cells.
    fn take_touched(&mut self, slot: usize) -> usize {
        let histogram = &mut self.histograms[slot][0];
        let mut occupied = 0;
        for (high, word) in (0_u8..).zip(&mut self.touched[slot]) {
            while *word != 0 {
                let bin = high << 6 | word.trailing_zeros() as u8;
                self.cells[occupied & 255] = (bin, std::mem::take(&mut histogram[usize::from(bin)]));
                occupied += 1;
                *word &= *word - 1;
            }
        }
        occupied
    }

    /// Moves the counts of a large node to the cells, looking at all bins of the feature.
    fn take_all(&mut self, slot: usize, bins: usize) -> usize {
        let [first, second] = &mut self.histograms[slot];
        let mut occupied = 0;
        for bin in 0..bins {
            let packed = first[bin] + second[bin];
            self.cells[occupied & 255] = (bin as u8, packed);
            occupied += usize::from(packed != 0);
        }
        first[..bins].fill(0);
        second[..bins].fill(0);
        occupied
    }
}

/// The best cut of a feature when it is better than `best`; else `best`.
fn better_cut(cells: &[(u8, u64)], feature: usize, whole: Whole, best: Option<Split>) -> Option<Split> {
    let floor = best.map_or(f64::NEG_INFINITY, |split| split.purity);
    let mut found = best_cut(cells, whole, floor).map(|cut| cut.split(feature, 0));
    if cells[0].0 == MISSING_BIN {
        let floor = found.map_or(floor, |split| split.purity);
        found = best_cut(&cells[1..], whole, floor).map(|cut| cut.split(feature, 1)).or(found);
    }
    found.or(best)
}

/// The best place between two occupied bins.
struct Cut {
    /// The occupied bins on its two sides.
    between: (u8, u8),
    left: u64,
    purity: f64,
}

impl Cut {
    /// Puts the threshold half-way, because rows to come may have bins in between; but no value joins missing cells
    /// on their side alone.
    fn split(&self, feature: usize, shift: u8) -> Split {
        let (low, high) = self.between;
        let middle = if low == MISSING_BIN { MISSING_BIN } else { low + (high - low) / 2 };
        let test = Test { threshold: middle - shift, shift };
        Split { feature, test, left: Counts::unpack(self.left), purity: self.purity }
    }
}

fn best_cut(cells: &[(u8, u64)], whole: Whole, floor: f64) -> Option<Cut> {
    let mut left = 0;
    let mut best = None;
    let mut best_purity = floor;
    for pair in cells.windows(2) {
        left += pair[0].1;
        let on_left = Counts::unpack(left);
        let on_right = whole.counts.minus(on_left);
        if on_left.all < whole.min_samples_leaf {
            continue;
        }
        if on_right.all < whole.min_samples_leaf {
            break;
        }
        let (p, n) = (f64::from(on_left.positive), f64::from(on_left.all));
        let (q, m) = (f64::from(on_right.positive), f64::from(on_right.all));
        // One division instead of two: p^2 / n + q^2 / m.
        let purity = (p * p * m + q * q * n) / (n * m);
        if purity > best_purity {
            best_purity = purity;
            best = Some((pair[0].0, pair[1].0, left));
        }
    }
    best.map(|(low, high, left)| Cut { between: (low, high), left, purity: best_purity })
}

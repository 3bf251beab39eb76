//! The best cut of a node: counts by bin, then one pass over the bins.
//!
//! Cost matters more here than anywhere else: a forest on 20,000 rows looks at some 300,000 nodes, most of them of a
//! few rows. A node therefore never pays for all 256 bins unless it has about as many rows.

use super::binning::MISSING_BIN;
use super::record::{Rows, tag_counts};
use super::tree::Test;

/// Nodes of fewer records note which bins they touch; larger ones look at all bins of the feature.
const SPARSE_RECORDS_MAX: usize = 64;

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

/// What a feature says about a node.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Found {
    /// All records have one bin.
    Constant,
    /// No cut leaves enough draws on both sides, or none is better than the one known.
    Nothing,
    /// A better cut.
    Better(Split),
}

/// Buffers of the search; every thread has its own.
pub(super) struct Searcher {
    /// Zero between searches. Neighbouring records add to different ones: most rows of a skewed column share a bin, and
    /// adding to the same place again and again waits for the addition before.
    histograms: Box<[[u64; 256]; 4]>,
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
        Self { histograms: Box::new([[0; 256]; 4]), cells: Box::new([(0, 0); 256]) }
    }

    /// Looks for a cut of a feature that is better than `best`.
    pub(super) fn search<R: Rows>(
        &mut self,
        source: &R,
        records: &[R::Record],
        candidate: Candidate,
        whole: Whole,
        best: Option<&Split>,
    ) -> Found {
        let feature = candidate.feature;
        let occupied = if records.len() < SPARSE_RECORDS_MAX {
            self.collect_sparse(source, records, feature)
        } else {
            self.collect_dense(source, records, candidate)
        };
        let cells = &self.cells[..occupied];
        if cells.len() < 2 {
            return Found::Constant;
        }
        let floor = best.map_or(f64::NEG_INFINITY, |split| split.purity);
        let mut found = best_cut(cells, whole, floor).map(|cut| cut.split(feature, 0));
        if cells[0].0 == MISSING_BIN {
            let floor = found.map_or(floor, |split| split.purity);
            found = best_cut(&cells[1..], whole, floor).map(|cut| cut.split(feature, 1)).or(found);
        }
        found.map_or(Found::Nothing, Found::Better)
    }

    /// Counts by bin, touching only bins that occur.
    fn collect_sparse<R: Rows>(&mut self, source: &R, records: &[R::Record], feature: usize) -> usize {
        let mut touched = [0_u64; 4];
        for record in records {
            let bin = source.bin(record, feature);
            touched[usize::from(bin >> 6)] |= 1 << (bin & 63);
            self.histograms[0][usize::from(bin)] += TAG_COUNTS[usize::from(R::tag(record))];
        }
        let mut occupied = 0;
        for (high, mut word) in (0_u8..).zip(touched) {
            while word != 0 {
                let bin = high << 6 | word.trailing_zeros() as u8;
                self.cells[occupied & 255] = (bin, std::mem::take(&mut self.histograms[0][usize::from(bin)]));
                occupied += 1;
                word &= word - 1;
            }
        }
        occupied
    }

    /// Counts by bin, looking at all bins of the feature.
    fn collect_dense<R: Rows>(&mut self, source: &R, records: &[R::Record], candidate: Candidate) -> usize {
        let [first, second, third, fourth] = &mut *self.histograms;
        let add = |histogram: &mut [u64; 256], record: &R::Record| {
            histogram[usize::from(source.bin(record, candidate.feature))] += TAG_COUNTS[usize::from(R::tag(record))];
        };
        let (fours, rest) = records.as_chunks::<4>();
        for [a, b, c, d] in fours {
            add(first, a);
            add(second, b);
            add(third, c);
            add(fourth, d);
        }
        rest.iter().for_each(|record| add(first, record));
        let mut occupied = 0;
        for bin in 0..candidate.bins {
            let packed = first[bin] + second[bin] + third[bin] + fourth[bin];
            self.cells[occupied & 255] = (bin as u8, packed);
            occupied += usize::from(packed != 0);
        }
        for histogram in [first, second, third, fourth] {
            histogram[..candidate.bins].fill(0);
        }
        occupied
    }
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
        if on_left.all < whole.min_samples_leaf || on_right.all < whole.min_samples_leaf {
            continue;
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

//! Asking a forest: scores of binned rows, and of the same rows with some columns changed.
//!
//! Rows go through one tree after the other in blocks that fit the nearest cache. A changed ask walks again only the
//! trees, row by row, whose path tested a changed feature: the leaf remembers which features its path tests.

use assize_tables::{Cancel, Cancelled};

use super::Forest;
use super::binning::Binned;
use super::parallel;
use super::tree::{LANES, Tree, VALUE_ONE, feature_bit};

/// Rows that go through a tree together; their bins and a tree share the nearest cache. A multiple of [`LANES`].
const BLOCK_ROWS: usize = 1024;

/// New bins for one feature, all other features as they are.
#[derive(Debug, Clone, Copy)]
pub struct Change<'a> {
    /// Position of the feature in the binner.
    pub feature: usize,
    /// What it becomes.
    pub bins: NewBins<'a>,
}

/// The bins a feature gets.
#[derive(Debug, Clone, Copy)]
pub enum NewBins<'a> {
    /// The same bin in every row.
    Same(u8),
    /// One bin a row.
    Each(&'a [u8]),
}

impl NewBins<'_> {
    fn of(self, row: usize) -> u8 {
        match self {
            NewBins::Same(bin) => bin,
            NewBins::Each(bins) => bins[row],
        }
    }
}

/// Some consecutive rows, row-major, filled up with blank rows to whole groups of [`LANES`].
struct Block {
    start: usize,
    rows: usize,
    stride: usize,
    bins: Vec<u8>,
}

/// A changed ask within a block.
struct ChangedBlock {
    bins: Vec<u8>,
    /// Features that may differ in each row, as in [`Tree::tested`].
    changed: Vec<u64>,
}

impl Forest {
    /// Scores of all rows: the mean over trees of the positive share in the row's leaf, 0 to 1.
    ///
    /// The rows must be binned by this forest's binner.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn score(&self, rows: &Binned, cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
        Ok(self.score_changes(rows, &[], cancel)?.swap_remove(0))
    }

    /// Scores of all rows after these changes, which apply together.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn score_with(&self, rows: &Binned, changes: &[Change<'_>], cancel: &Cancel) -> Result<Vec<f64>, Cancelled> {
        Ok(self.score_changes(rows, &[changes], cancel)?.swap_remove(1))
    }

    /// Scores of all rows as they are, then for each ask the scores after its changes. Cheaper than one call an ask:
    /// rows walk again only where a changed feature was tested. The scores are bit for bit those of rows that were
    /// changed before binning.
    ///
    /// # Errors
    /// [`Cancelled`].
    pub fn score_changes(
        &self,
        rows: &Binned,
        asks: &[&[Change<'_>]],
        cancel: &Cancel,
    ) -> Result<Vec<Vec<f64>>, Cancelled> {
        let blocks = rows.rows().div_ceil(BLOCK_ROWS);
        let parts = parallel::map(
            blocks,
            self.threads,
            cancel,
            || (),
            |(), block| {
                let block = Block::new(rows, block * BLOCK_ROWS);
                let changed: Vec<ChangedBlock> = asks.iter().map(|changes| block.change(changes)).collect();
                self.score_block(&block, &changed, cancel)
            },
        )?;
        let one = f64::from(VALUE_ONE) * self.trees.len() as f64;
        Ok((0..=asks.len())
            .map(|ask| {
                let sums = parts.iter().flat_map(|part| &part[ask]);
                sums.map(|sum| *sum as f64 / one).collect()
            })
            .collect())
    }

    /// Sums of leaf values of a block's rows: as they are, then for each changed ask.
    fn score_block(
        &self,
        block: &Block,
        changed: &[ChangedBlock],
        cancel: &Cancel,
    ) -> Result<Vec<Vec<u64>>, Cancelled> {
        let padded = block.bins.len() / block.stride;
        let mut sums = vec![vec![0_u64; padded]; 1 + changed.len()];
        let mut leaves = vec![0_u32; padded];
        let mut again = Vec::with_capacity(padded + LANES);
        for tree in &self.trees {
            cancel.check()?;
            walk(tree, &block.bins, block.stride, &mut leaves);
            for (sum, leaf) in sums[0].iter_mut().zip(&leaves) {
                *sum += u64::from(tree.values[*leaf as usize]);
            }
            for (ask, sums) in changed.iter().zip(&mut sums[1..]) {
                ask.add_scores(tree, &leaves, block.stride, &mut again, sums);
            }
        }
        sums.iter_mut().for_each(|sums| sums.truncate(block.rows));
        Ok(sums)
    }
}

impl Block {
    fn new(rows: &Binned, start: usize) -> Self {
        let stride = rows.binner().len();
        let count = BLOCK_ROWS.min(rows.rows() - start);
        let mut bins = vec![0; count.next_multiple_of(LANES) * stride];
        rows.transpose_into(start, stride, &mut bins[..count * stride]);
        Self { start, rows: count, stride, bins }
    }

    fn change(&self, changes: &[Change<'_>]) -> ChangedBlock {
        let mut bins = self.bins.clone();
        let mut changed = vec![0; self.bins.len() / self.stride];
        for change in changes {
            for row in 0..self.rows {
                let cell = &mut bins[row * self.stride + change.feature];
                let new = change.bins.of(self.start + row);
                if *cell != new {
                    *cell = new;
                    changed[row] |= feature_bit(change.feature);
                }
            }
        }
        ChangedBlock { bins, changed }
    }
}

impl ChangedBlock {
    /// Adds the leaf values of the changed rows; `leaves` are those of the rows as they are.
    fn add_scores(&self, tree: &Tree, leaves: &[u32], stride: usize, again: &mut Vec<u32>, sums: &mut [u64]) {
        again.clear();
        for (row, ((leaf, changed), sum)) in (0_u32..).zip(leaves.iter().zip(&self.changed).zip(sums.iter_mut())) {
            if tree.tested[*leaf as usize] & changed == 0 {
                *sum += u64::from(tree.values[*leaf as usize]);
            } else {
                again.push(row);
            }
        }
        let full = again.len();
        again.resize(full.next_multiple_of(LANES), 0);
        for (group, start) in again.chunks_exact(LANES).zip((0..).step_by(LANES)) {
            let rows = std::array::from_fn(|lane| &self.bins[group[lane] as usize * stride..][..stride]);
            for (row, leaf) in group.iter().zip(tree.leaves(rows)).take(full - start) {
                sums[*row as usize] += u64::from(tree.values[leaf as usize]);
            }
        }
    }
}

impl Tree {
    /// Leaf values of all rows.
    pub(super) fn values_of(&self, rows: &Binned) -> Vec<u32> {
        let mut values = Vec::with_capacity(rows.rows());
        for start in (0..rows.rows()).step_by(BLOCK_ROWS) {
            let block = Block::new(rows, start);
            let mut leaves = vec![0; block.bins.len() / block.stride];
            walk(self, &block.bins, block.stride, &mut leaves);
            values.extend(leaves[..block.rows].iter().map(|leaf| self.values[*leaf as usize]));
        }
        values
    }
}

/// Leaves of row-major rows, whose number is a multiple of [`LANES`].
fn walk(tree: &Tree, bins: &[u8], stride: usize, leaves: &mut [u32]) {
    for (rows, leaves) in bins.chunks_exact(stride * LANES).zip(leaves.chunks_exact_mut(LANES)) {
        leaves.copy_from_slice(&tree.leaves(std::array::from_fn(|lane| &rows[lane * stride..][..stride])));
    }
}

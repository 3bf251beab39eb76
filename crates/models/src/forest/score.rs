//! Asking a forest: scores of binned rows, and of the same rows with some columns changed.
//!
//! Rows go through one tree after the other in blocks that fit the nearest cache. A changed ask walks again only the
//! trees, row by row, whose path tested a changed feature: the leaf remembers which features its path tests.

use assize_tables::{Cancel, Cancelled};

use super::Forest;
use super::binning::Binned;
use super::tree::{LANES, Tree, VALUE_ONE, feature_bit};
use crate::parallel;

/// Rows that go through a tree together; their bins and a tree share the nearest cache. A multiple of [`LANES`].
const BLOCK_ROWS: usize = 2048;

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

/// Leaves of row-major rows with `stride` bytes each; their number is a multiple of [`LANES`].
type Walk = fn(&Tree, &[u8], usize, &mut [u32]);

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
        let walk = walk_of(block.stride);
        let padded = block.bins.len() / block.stride;
        let mut sums = vec![vec![0_u64; padded]; 1 + changed.len()];
        let mut leaves = vec![0; padded];
        let mut again = Again::default();
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
        let stride = stride_of(rows.binner().len());
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

/// Rows that walk again, with room for their leaves.
#[derive(Default)]
struct Again {
    rows: Vec<u32>,
    bins: Vec<u8>,
    leaves: Vec<u32>,
}

impl ChangedBlock {
    /// Adds the leaf values of the changed rows; `leaves` are those of the rows as they are.
    fn add_scores(&self, tree: &Tree, leaves: &[u32], stride: usize, again: &mut Again, sums: &mut [u64]) {
        again.rows.clear();
        again.bins.clear();
        for (row, (leaf, changed)) in leaves.iter().zip(&self.changed).enumerate() {
            if tree.tested[*leaf as usize] & changed == 0 {
                sums[row] += u64::from(tree.values[*leaf as usize]);
            } else {
                again.rows.push(row as u32);
                again.bins.extend_from_slice(&self.bins[row * stride..][..stride]);
            }
        }
        let padded = again.rows.len().next_multiple_of(LANES);
        again.bins.resize(padded * stride, 0);
        again.leaves.resize(padded, 0);
        walk_of(stride)(tree, &again.bins, stride, &mut again.leaves);
        for (row, leaf) in again.rows.iter().zip(&again.leaves) {
            sums[*row as usize] += u64::from(tree.values[*leaf as usize]);
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
            walk_of(block.stride)(self, &block.bins, block.stride, &mut leaves);
            values.extend(leaves[..block.rows].iter().map(|leaf| self.values[*leaf as usize]));
        }
        values
    }
}

/// Bytes a row: a width that [`walk_inline`] knows, or as many as there are features.
fn stride_of(features: usize) -> usize {
    match features {
        0..=16 => 16,
        17..=32 => 32,
        33..=64 => 64,
        more => more,
    }
}

fn walk_of(stride: usize) -> Walk {
    match stride {
        16 => walk_inline::<16>,
        32 => walk_inline::<32>,
        64 => walk_inline::<64>,
        _ => walk_wide,
    }
}

fn walk_inline<const W: usize>(tree: &Tree, bins: &[u8], _stride: usize, leaves: &mut [u32]) {
    let (groups, _) = bins.as_chunks::<W>().0.as_chunks::<LANES>();
    for (rows, leaves) in groups.iter().zip(leaves.as_chunks_mut::<LANES>().0) {
        *leaves = tree.leaves(rows);
    }
}

fn walk_wide(tree: &Tree, bins: &[u8], stride: usize, leaves: &mut [u32]) {
    for (rows, leaves) in bins.chunks_exact(stride * LANES).zip(leaves.as_chunks_mut::<LANES>().0) {
        let rows: [&[u8]; LANES] = std::array::from_fn(|lane| &rows[lane * stride..][..stride]);
        *leaves = tree.leaves(&rows);
    }
}

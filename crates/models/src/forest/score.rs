//! Asking a forest: scores of binned rows, and of the same rows with some columns changed.
//!
//! Rows go through one tree after the other in blocks that fit the nearest cache. A changed ask starts from the leaves
//! of the ask that it differs from least (its parent) and walks again only the trees, row by row, where the change leads
//! out of the leaf: the leaf remembers which features its path tests, and [`Region`] within which bins. Asks for all
//! pairs of two features thus cost little more than asks for one of them.

use assize_tables::{Cancel, Cancelled};

use super::Forest;
use super::binning::Binned;
use super::region::{Region, region_of};
use super::tree::{LANES, Staged, Tree, VALUE_ONE, feature_bit};
use crate::parallel;

/// Rows that go through a tree together; their bins and a tree share the nearest cache. A multiple of [`LANES`].
const BLOCK_ROWS: usize = 2048;
/// Asks that must share a change before it is asked for itself.
const SHARED_MIN: usize = 3;

/// New bins for one feature, all other features as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change<'a> {
    /// Position of the feature in the binner.
    pub feature: usize,
    /// What it becomes.
    pub bins: NewBins<'a>,
}

/// The bins a feature gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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

/// An ask and where it starts from.
#[derive(Debug, Clone, Copy)]
struct Ask<'a> {
    changes: &'a [Change<'a>],
    /// Position among the asks, which begin with that for the rows as they are.
    position: usize,
    /// The ask whose changes are the largest part of these, among those that come earlier in the plan.
    parent: usize,
    /// An earlier ask that changes the same features of the same parent: its leaves are likely the same.
    sibling: Option<usize>,
}

/// An ask within a block.
struct ChangedBlock {
    position: usize,
    parent: usize,
    sibling: Option<usize>,
    bins: Vec<u8>,
    /// Features in which each row differs from the parent, as in [`Tree::tested`].
    changed: Vec<u64>,
    /// What the sums differ by from those of the parent.
    differences: Vec<i64>,
}

/// Where the rows of an ask are in a tree, for the asks that start from it or compare with it.
#[derive(Default)]
struct Places {
    leaves: Vec<u32>,
    /// Features tested on the way, see [`Tree::tested`]; empty when no ask starts here.
    tested: Vec<u64>,
}

/// Leaves of row-major rows with `stride` bytes each; their number is a multiple of [`LANES`].
type Walk = fn(&Staged, &Tree, &[u8], usize, &mut [u32]);

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
        let plan = self.plan(asks);
        let blocks = rows.rows().div_ceil(BLOCK_ROWS);
        let parts = parallel::map(blocks, self.threads, cancel, Staged::new, |staged, block| {
            self.score_block(&Block::new(rows, block * BLOCK_ROWS), &plan, staged, cancel)
        })?;
        let one = f64::from(VALUE_ONE) * self.trees.len() as f64;
        Ok((0..=asks.len())
            .map(|ask| {
                let sums = parts.iter().flat_map(|part| &part[ask]);
                sums.map(|sum| *sum as f64 / one).collect()
            })
            .collect())
    }

    /// The asks in an order in which parents come first. The change that is tested most among those of an ask is asked for
    /// itself when several asks share it; such asks get positions beyond the given ones.
    fn plan<'a>(&self, asks: &[&'a [Change<'a>]]) -> Vec<Ask<'a>> {
        let mut tests = vec![0_u64; self.binner.len()];
        for node in self.trees.iter().flat_map(|tree| &tree.nodes) {
            tests[usize::from(node.feature)] += 1;
        }
        // What two asks have in common is worth as much as it is tested.
        let worth = |changes: &[Change<'_>]| changes.iter().map(|change| tests[change.feature]).sum::<u64>();
        let mut wanted = asks.to_vec();
        for changes in asks.iter().filter(|changes| changes.len() > 1) {
            let Some(most) = changes.iter().max_by_key(|change| tests[change.feature]) else { continue };
            let uses = asks.iter().filter(|other| other.len() > 1 && other.contains(most)).count();
            if uses >= SHARED_MIN && !wanted.contains(&std::slice::from_ref(most)) {
                wanted.push(std::slice::from_ref(most));
            }
        }
        let mut plan = vec![Ask { changes: &[], position: 0, parent: 0, sibling: None }];
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        order.sort_by_key(|ask| wanted[*ask].len());
        for ask in order {
            let changes = wanted[ask];
            let parts = plan.iter().filter(|earlier| earlier.changes.iter().all(|change| changes.contains(change)));
            let parent = parts.max_by_key(|part| worth(part.changes)).map_or(0, |part| part.position);
            let features = |changes: &'a [Change<'a>]| changes.iter().map(|change| change.feature);
            let alike = |earlier: &&Ask<'a>| {
                earlier.position > 0 && earlier.parent == parent && features(earlier.changes).eq(features(changes))
            };
            let sibling = plan.iter().rev().find(alike).map(|earlier| earlier.position);
            plan.push(Ask { changes, position: ask + 1, parent, sibling });
        }
        plan.remove(0);
        plan
    }

    /// Sums of leaf values of a block's rows: as they are, then for each ask.
    fn score_block(
        &self,
        block: &Block,
        plan: &[Ask<'_>],
        staged: &mut Staged,
        cancel: &Cancel,
    ) -> Result<Vec<Vec<u64>>, Cancelled> {
        let mut asks = block.change(plan);
        let walk = walk_of(block.stride);
        let padded = block.bins.len() / block.stride;
        let mut places: Vec<Places> = (0..=plan.len()).map(|ask| Places::new(ask, plan, padded)).collect();
        let mut leaves = vec![0; padded];
        let mut sums = vec![0_u64; padded];
        let mut again = Again::new(padded, block.stride);
        for tree in &self.trees {
            cancel.check()?;
            staged.set(tree);
            walk(staged, tree, &block.bins, block.stride, &mut leaves);
            for (sum, leaf) in sums.iter_mut().zip(&leaves) {
                *sum += u64::from(tree.values[*leaf as usize]);
            }
            if asks.is_empty() {
                continue;
            }
            places[0].set(tree, &leaves);
            again.begin(tree);
            for ask in &mut asks {
                again.walk(staged, tree, ask, &places);
                if places[ask.position].is_used() {
                    leaves.copy_from_slice(&places[ask.parent].leaves);
                    again.moved().for_each(|(row, leaf)| leaves[row] = leaf);
                    places[ask.position].set(tree, &leaves);
                }
            }
        }
        sums.truncate(block.rows);
        let mut answers = vec![Vec::new(); 1 + plan.len()];
        answers[0] = sums;
        for ask in &asks {
            let parent = answers[ask.parent].iter().zip(&ask.differences);
            let sums = parent.map(|(sum, difference)| sum.wrapping_add_signed(*difference)).collect();
            answers[ask.position] = sums;
        }
        Ok(answers)
    }
}

impl Places {
    /// For the ask at a position; empty when no other ask needs it.
    fn new(position: usize, plan: &[Ask<'_>], rows: usize) -> Self {
        if plan.iter().any(|ask| ask.parent == position) {
            Self { leaves: vec![0; rows], tested: vec![0; rows] }
        } else if plan.iter().any(|ask| ask.sibling == Some(position)) {
            Self { leaves: vec![0; rows], tested: Vec::new() }
        } else {
            Self::default()
        }
    }

    fn is_used(&self) -> bool {
        !self.leaves.is_empty()
    }

    fn set(&mut self, tree: &Tree, leaves: &[u32]) {
        self.leaves.copy_from_slice(leaves);
        for (tested, leaf) in self.tested.iter_mut().zip(leaves) {
            *tested = tree.tested[*leaf as usize];
        }
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

    /// The asks of a plan on these rows.
    fn change(&self, plan: &[Ask<'_>]) -> Vec<ChangedBlock> {
        let mut made: Vec<ChangedBlock> = Vec::with_capacity(plan.len());
        for ask in plan {
            let parent = made.iter().find(|block| block.position == ask.parent);
            let mut bins = parent.map_or(&self.bins, |parent| &parent.bins).clone();
            let mut changed = vec![0; self.bins.len() / self.stride];
            for change in ask.changes {
                for (row, changed) in changed[..self.rows].iter_mut().enumerate() {
                    let cell = &mut bins[row * self.stride + change.feature];
                    let new = change.bins.of(self.start + row);
                    *changed |= if *cell == new { 0 } else { feature_bit(change.feature) };
                    *cell = new;
                }
            }
            let differences = vec![0; changed.len()];
            let Ask { position, parent, sibling, .. } = *ask;
            made.push(ChangedBlock { position, parent, sibling, bins, changed, differences });
        }
        made
    }
}

/// Rows that end in another leaf than their parent.
struct Again {
    stride: usize,
    region: Option<Box<dyn Region>>,
    /// How many they are; they are the first of `rows`.
    count: usize,
    rows: Vec<u32>,
    /// Their new leaves, at the place of the row in the block.
    leaves: Vec<u32>,
    walkers: Walkers,
}

/// Rows that walk from the root.
struct Walkers {
    rows: Vec<u32>,
    bins: Vec<u8>,
    leaves: Vec<u32>,
}

impl Again {
    fn new(rows: usize, stride: usize) -> Self {
        let walkers = Walkers { rows: vec![0; rows], bins: vec![0; rows * stride], leaves: vec![0; rows] };
        let region = region_of(stride);
        Self { stride, region, count: 0, rows: vec![0; rows], leaves: vec![0; rows], walkers }
    }

    /// The walks to come are through this tree.
    fn begin(&mut self, tree: &Tree) {
        if let Some(region) = &mut self.region {
            region.set(tree);
        }
    }

    /// Finds the leaves of the rows that `ask` may lead out of the leaf of its parent. A row that its sibling has led into
    /// the right leaf already need not walk.
    fn walk(&mut self, staged: &Staged, tree: &Tree, ask: &mut ChangedBlock, places: &[Places]) {
        let parent = &places[ask.parent];
        let mut count = 0;
        for (row, (tested, changed)) in (0_u32..).zip(parent.tested.iter().zip(&ask.changed)) {
            // Written for good only when the count goes on: a branch would be guessed wrong too often.
            self.rows[count] = row;
            count += usize::from(tested & changed != 0);
        }
        if let Some(region) = &self.region {
            count = region.leaving(&ask.bins, &parent.leaves, &mut self.rows[..count]);
        }
        self.count = count;
        let walkers = &mut self.walkers.rows[..count];
        walkers.copy_from_slice(&self.rows[..count]);
        if let (Some(region), Some(sibling)) = (&self.region, ask.sibling) {
            let known = &places[sibling].leaves;
            walkers.iter().for_each(|row| self.leaves[*row as usize] = known[*row as usize]);
            count = region.leaving(&ask.bins, known, walkers);
        }
        self.walkers.walk(staged, tree, ask, self.stride, count);
        for (row, leaf) in self.walkers.rows[..count].iter().zip(&self.walkers.leaves) {
            self.leaves[*row as usize] = *leaf;
        }
        for (row, leaf) in self.moved() {
            let values = [leaf, parent.leaves[row]].map(|leaf| i64::from(tree.values[leaf as usize]));
            ask.differences[row] += values[0] - values[1];
        }
    }

    /// Rows in another leaf, with their leaves.
    fn moved(&self) -> impl Iterator<Item = (usize, u32)> {
        self.rows[..self.count].iter().map(|row| (*row as usize, self.leaves[*row as usize]))
    }
}

impl Walkers {
    /// Leaves of the first `count` of the rows.
    fn walk(&mut self, staged: &Staged, tree: &Tree, ask: &ChangedBlock, stride: usize, count: usize) {
        gather_of(stride)(&ask.bins, stride, &self.rows[..count], &mut self.bins);
        let padded = count.next_multiple_of(LANES);
        walk_of(stride)(staged, tree, &self.bins[..padded * stride], stride, &mut self.leaves[..padded]);
    }
}

impl Tree {
    /// Leaf values of all rows.
    pub(super) fn values_of(&self, rows: &Binned) -> Vec<u32> {
        let mut values = Vec::with_capacity(rows.rows());
        let mut staged = Staged::new();
        staged.set(self);
        for start in (0..rows.rows()).step_by(BLOCK_ROWS) {
            let block = Block::new(rows, start);
            let mut leaves = vec![0; block.bins.len() / block.stride];
            walk_of(block.stride)(&staged, self, &block.bins, block.stride, &mut leaves);
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

/// Copies rows of `stride` bytes.
type Gather = fn(&[u8], usize, &[u32], &mut [u8]);

fn gather_of(stride: usize) -> Gather {
    match stride {
        16 => gather_inline::<16>,
        32 => gather_inline::<32>,
        64 => gather_inline::<64>,
        _ => gather_wide,
    }
}

fn gather_inline<const W: usize>(bins: &[u8], _stride: usize, rows: &[u32], into: &mut [u8]) {
    let bins = bins.as_chunks::<W>().0;
    for (row, into) in rows.iter().zip(into.as_chunks_mut::<W>().0) {
        *into = bins[*row as usize];
    }
}

fn gather_wide(bins: &[u8], stride: usize, rows: &[u32], into: &mut [u8]) {
    for (row, into) in rows.iter().zip(into.chunks_exact_mut(stride)) {
        into.copy_from_slice(&bins[*row as usize * stride..][..stride]);
    }
}

fn walk_inline<const W: usize>(staged: &Staged, tree: &Tree, bins: &[u8], _stride: usize, leaves: &mut [u32]) {
    let (groups, _) = bins.as_chunks::<W>().0.as_chunks::<LANES>();
    for (rows, leaves) in groups.iter().zip(leaves.as_chunks_mut::<LANES>().0) {
        *leaves = staged.leaves(tree, rows);
    }
}

fn walk_wide(staged: &Staged, tree: &Tree, bins: &[u8], stride: usize, leaves: &mut [u32]) {
    for (rows, leaves) in bins.chunks_exact(stride * LANES).zip(leaves.as_chunks_mut::<LANES>().0) {
        let rows: [&[u8]; LANES] = std::array::from_fn(|lane| &rows[lane * stride..][..stride]);
        *leaves = staged.leaves(tree, &rows);
    }
}

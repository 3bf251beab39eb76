//! The bins with which a row reaches a leaf, as one range a feature.
//!
//! A row whose bins change inside the ranges of its leaf stays there, so it need not walk again: most small changes of
//! a number cross no threshold of a path. Ranges are read 16 features at once.

use super::tree::Tree;

/// Where the rows of one tree may change without leaving their leaf.
pub(super) trait Region {
    /// Takes the ranges of another tree.
    fn set(&mut self, tree: &Tree);

    /// Moves to the front those of `rows` that may leave the leaf they are in, and answers how many they are. `bins` are
    /// row-major.
    fn leaving(&self, bins: &[u8], leaves: &[u32], rows: &mut [u32]) -> usize;
}

/// The ranges of rows with `stride` bytes; `None` where rows are too wide for it to pay.
pub(super) fn region_of(stride: usize) -> Option<Box<dyn Region>> {
    match stride {
        16 => Some(Box::<Ranges<16>>::default()),
        32 => Some(Box::<Ranges<32>>::default()),
        64 => Some(Box::<Ranges<64>>::default()),
        _ => None,
    }
}

/// Lowest and highest bin of each feature, for every node.
#[derive(Debug, Default)]
struct Ranges<const W: usize> {
    nodes: Vec<[[u8; W]; 2]>,
}

impl<const W: usize> Region for Ranges<W> {
    /// A range may leave out missing cells that do reach its node: rows that have them walk again for nothing.
    fn set(&mut self, tree: &Tree) {
        self.nodes.resize(tree.nodes.len(), [[0; W], [0; W]]);
        self.nodes[0] = [[u8::MIN; W], [u8::MAX; W]];
        for (index, node) in tree.nodes.iter().enumerate() {
            let child = node.child as usize;
            if child == index {
                continue;
            }
            let (feature, mut left) = (usize::from(node.feature), self.nodes[index]);
            let mut right = left;
            let last = node.test.threshold.saturating_add(node.test.shift);
            left[0][feature] = left[0][feature].max(node.test.shift);
            left[1][feature] = left[1][feature].min(last);
            right[0][feature] = right[0][feature].max(last.saturating_add(1));
            self.nodes[child] = left;
            self.nodes[child + 1] = right;
        }
    }

    fn leaving(&self, bins: &[u8], leaves: &[u32], rows: &mut [u32]) -> usize {
        let bins = bins.as_chunks::<W>().0;
        let mut count = 0;
        for at in 0..rows.len() {
            let row = rows[at];
            let [low, high] = &self.nodes[leaves[row as usize] as usize];
            // Written for good only when the count goes on: a branch would be guessed wrong too often.
            rows[count] = row;
            count += usize::from(!within(&bins[row as usize], low, high));
        }
        count
    }
}

#[inline]
fn within<const W: usize>(bins: &[u8; W], low: &[u8; W], high: &[u8; W]) -> bool {
    let mut beyond = [0; W];
    for feature in 0..W {
        beyond[feature] = low[feature].saturating_sub(bins[feature]) | bins[feature].saturating_sub(high[feature]);
    }
    beyond == [0; W]
}

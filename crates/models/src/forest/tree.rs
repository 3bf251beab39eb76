//! A grown tree: flat nodes, walked by several rows at once.
//!
//! A leaf points to itself and its test never succeeds, so a walk needs no branch for "arrived": it goes on until no
//! row of the group moves.

/// Leaf fractions are multiples of 2^-30.
pub(super) const VALUE_ONE: u32 = 1 << 30;
/// Rows that walk together: enough to hide the latency of each step, few enough for the registers.
pub(super) const LANES: usize = 8;
/// Steps between two looks whether all rows have arrived.
const STEPS: usize = 3;

/// A split, or a leaf.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Node {
    /// The left child; the right one follows it. A leaf names itself.
    pub(super) child: u32,
    pub(super) feature: u16,
    pub(super) test: Test,
}

/// A bin goes right when `bin - shift`, wrapping around, is above the threshold. With a shift of 1 the missing bin
/// wraps to 255 and goes right, with a shift of 0 it goes left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Test {
    pub(super) threshold: u8,
    pub(super) shift: u8,
}

/// One tree. Children come after their parents; node 0 is the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// Share of positive draws in each node, in multiples of 2^-30.
    pub(super) values: Vec<u32>,
    /// Draws that reached each node.
    pub(super) covers: Vec<u32>,
    /// Features tested between root and node: bit `feature % 64`.
    pub(super) tested: Vec<u64>,
}

impl Test {
    /// A test that no bin passes.
    pub(super) const NEVER: Self = Self { threshold: u8::MAX, shift: 0 };

    #[inline]
    pub(super) fn goes_right(self, bin: u8) -> bool {
        bin.wrapping_sub(self.shift) > self.threshold
    }
}

impl Node {
    pub(super) fn leaf(index: u32) -> Self {
        Self { child: index, feature: 0, test: Test::NEVER }
    }

    #[inline]
    fn next(&self, row: &impl Row) -> u32 {
        self.child + u32::from(self.test.goes_right(row.bin(usize::from(self.feature))))
    }
}

/// The bins of one row.
pub(super) trait Row {
    fn bin(&self, feature: usize) -> u8;
}

impl<const W: usize> Row for [u8; W] {
    #[inline]
    fn bin(&self, feature: usize) -> u8 {
        // `W` is a power of two above every feature; the mask spares the check.
        self[feature & (W - 1)]
    }
}

impl Row for &[u8] {
    fn bin(&self, feature: usize) -> u8 {
        self[feature]
    }
}

/// The bit of a feature in [`Tree::tested`].
pub(super) fn feature_bit(feature: usize) -> u64 {
    1 << (feature % 64)
}

impl Tree {
    pub(super) fn node_count(&self) -> usize {
        self.nodes.len()
    }
}

/// Most nodes of a tree that is staged.
const STAGED_MAX: usize = 1 << 14;

/// The nodes of one tree in an array of fixed size, where a step needs no look at its bounds; larger trees are walked
/// where they are.
pub(super) struct Staged {
    nodes: Box<[Node; STAGED_MAX]>,
}

impl Staged {
    pub(super) fn new() -> Self {
        let nodes = vec![Node::leaf(0); STAGED_MAX].into_boxed_slice();
        Self { nodes: nodes.try_into().expect("it has the length of the array") }
    }

    /// Takes the nodes of another tree.
    pub(super) fn set(&mut self, tree: &Tree) {
        if let Some(nodes) = self.nodes.get_mut(..tree.nodes.len()) {
            nodes.copy_from_slice(&tree.nodes);
        }
    }

    /// Leaves of some rows that walk together through `tree`, which was taken last.
    #[inline]
    pub(super) fn leaves<R: Row>(&self, tree: &Tree, rows: &[R; LANES]) -> [u32; LANES] {
        if tree.nodes.len() <= STAGED_MAX {
            leaves(|at| &self.nodes[at as usize % STAGED_MAX], rows)
        } else {
            leaves(|at| &tree.nodes[at as usize], rows)
        }
    }
}

#[inline]
fn leaves<'a, R: Row>(node: impl Fn(u32) -> &'a Node, rows: &[R; LANES]) -> [u32; LANES] {
    let mut at = [0_u32; LANES];
    loop {
        let mut moved = 0;
        for _ in 1..STEPS {
            for lane in 0..LANES {
                at[lane] = node(at[lane]).next(&rows[lane]);
            }
        }
        for lane in 0..LANES {
            let next = node(at[lane]).next(&rows[lane]);
            moved |= next ^ at[lane];
            at[lane] = next;
        }
        if moved == 0 {
            return at;
        }
    }
}

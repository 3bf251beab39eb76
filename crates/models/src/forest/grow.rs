//! Growing trees: an explicit stack of nodes over two buffers of records.
//!
//! A node is a run of records. Splitting it writes its records into the other buffer, left ones from the front, right
//! ones from the back, so each child is a run again and its records stay together down to the leaves. A child that
//! cannot be split becomes a leaf at once, and when both do, nothing is moved.

use assize_tables::{Cancel, Cancelled};
use rand_xoshiro::Xoshiro256PlusPlus;

use super::binning::Binned;
use super::bootstrap::Sampler;
use super::record::{Indexed, Inline, Rows, fill};
use super::split::{BATCH, Candidate, Counts, Searcher, Split, Whole, count};
use super::tree::{Node, Tree, VALUE_ONE, feature_bit};
use super::{ForestOptions, Training};
use crate::parallel;
use crate::predictor::Error;
use crate::random::{below, stream};

/// The trees and what growing them taught.
pub(super) struct Grown {
    pub(super) trees: Vec<Tree>,
    /// Decrease in impurity a feature, for each tree.
    pub(super) impurity_decreases: Vec<Vec<f64>>,
    /// One a training row when asked for, else empty.
    pub(super) out_of_bag: Vec<Option<f64>>,
}

/// Everything that the trees of a forest share.
struct Plan<'a> {
    binned: &'a Binned,
    rows: &'a [u32],
    labels: &'a [u8],
    candidates: Vec<Candidate>,
    features_per_split: usize,
    max_depth: u32,
    min_samples_leaf: u32,
    seed: u64,
    sampler: Sampler,
    out_of_bag: bool,
    cancel: &'a Cancel,
}

/// Buffers of one thread.
struct Scratch<T> {
    draws: Vec<u32>,
    records: [Vec<T>; 2],
    searcher: Searcher,
    stack: Vec<Task>,
}

/// A node that is to be split if possible.
#[derive(Debug, Clone, Copy)]
struct Task {
    node: u32,
    depth: u32,
    /// Which buffer, and the run in it.
    buffer: usize,
    start: usize,
    end: usize,
    counts: Counts,
    tested: u64,
    /// Features below 64 that are constant here, so in all nodes below too.
    constant: u64,
}

/// A tree with what else it taught.
struct GrownTree {
    tree: Tree,
    impurity_decrease: Vec<f64>,
    /// Position in the training rows and leaf value of each row that was not drawn.
    out_of_bag: Vec<(u32, u32)>,
}

pub(super) fn grow_trees(
    binned: &Binned,
    training: &Training<'_>,
    rows: &[u32],
    features: &[usize],
    options: &ForestOptions,
    out_of_bag: bool,
    cancel: &Cancel,
) -> Result<Grown, Error> {
    let weights: Option<Vec<f64>> =
        training.weights.map(|weights| rows.iter().map(|row| weights[*row as usize]).collect());
    let draws = (rows.len() as f64 * options.sample_share.clamp(0.0, 1.0)).round().max(1.0) as usize;
    let wanted = options.features_per_split.map_or_else(|| features.len().isqrt(), |wanted| wanted as usize);
    let plan = Plan {
        binned,
        rows,
        labels: training.labels,
        candidates: features
            .iter()
            .map(|feature| Candidate { feature: *feature, bins: binned.binner().bins(*feature) })
            .collect(),
        features_per_split: wanted.clamp(1, features.len()),
        max_depth: options.max_depth.unwrap_or(u32::MAX),
        min_samples_leaf: options.min_samples_leaf.max(1),
        seed: options.seed,
        sampler: Sampler::new(rows.len(), draws, weights.as_deref())?,
        out_of_bag,
        cancel,
    };
    let (trees, threads) = (options.trees as usize, options.threads);
    let grown = match binned.binner().len() {
        0..16 => grow_with(&plan, &Inline::<16>::new(binned), trees, threads),
        16..32 => grow_with(&plan, &Inline::<32>::new(binned), trees, threads),
        32..64 => grow_with(&plan, &Inline::<64>::new(binned), trees, threads),
        _ => grow_with(&plan, &Indexed { binned }, trees, threads),
    }?;
    let out_of_bag = if out_of_bag { out_of_bag_scores(&grown, rows.len()) } else { Vec::new() };
    let (trees, impurity_decreases) = grown.into_iter().map(|grown| (grown.tree, grown.impurity_decrease)).unzip();
    Ok(Grown { trees, impurity_decreases, out_of_bag })
}

fn grow_with<R: Rows>(plan: &Plan<'_>, source: &R, trees: usize, threads: usize) -> Result<Vec<GrownTree>, Cancelled> {
    let scratch = || Scratch {
        draws: vec![0; plan.rows.len()],
        records: [Vec::new(), Vec::new()],
        searcher: Searcher::new(),
        stack: Vec::new(),
    };
    parallel::map(trees, threads, plan.cancel, scratch, |scratch, tree| {
        let mut random = stream(plan.seed, tree as u64);
        plan.sampler.draw(&mut random, &mut scratch.draws);
        let [records, other] = &mut scratch.records;
        fill(source, plan.rows, &scratch.draws, plan.labels, records);
        other.resize(records.len(), R::BLANK);
        let mut growth = Growth::new(plan, random);
        growth.run(source, scratch)?;
        let out_of_bag = if plan.out_of_bag { plan.ask_undrawn(&growth.tree, &scratch.draws) } else { Vec::new() };
        Ok(GrownTree { tree: growth.tree, impurity_decrease: growth.impurity_decrease, out_of_bag })
    })
}

impl Plan<'_> {
    fn ask_undrawn(&self, tree: &Tree, draws: &[u32]) -> Vec<(u32, u32)> {
        let undrawn: Vec<usize> = (0..draws.len()).filter(|position| draws[*position] == 0).collect();
        let rows: Vec<u32> = undrawn.iter().map(|position| self.rows[*position]).collect();
        let positions = undrawn.iter().map(|position| u32::try_from(*position).expect("rows are counted in u32"));
        positions.zip(tree.values_of(&self.binned.select(&rows))).collect()
    }
}

fn out_of_bag_scores(grown: &[GrownTree], rows: usize) -> Vec<Option<f64>> {
    let mut sums = vec![(0_u64, 0_u32); rows];
    for (position, value) in grown.iter().flat_map(|grown| &grown.out_of_bag) {
        let (sum, trees) = &mut sums[*position as usize];
        *sum += u64::from(*value);
        *trees += 1;
    }
    sums.into_iter()
        .map(|(sum, trees)| (trees > 0).then(|| sum as f64 / (f64::from(trees) * f64::from(VALUE_ONE))))
        .collect()
}

/// One tree as it grows.
struct Growth<'a> {
    plan: &'a Plan<'a>,
    random: Xoshiro256PlusPlus,
    /// Positions in `plan.candidates`, shuffled further at every node.
    order: Vec<u32>,
    tree: Tree,
    impurity_decrease: Vec<f64>,
}

impl<'a> Growth<'a> {
    fn new(plan: &'a Plan<'a>, random: Xoshiro256PlusPlus) -> Self {
        let tree = Tree { nodes: Vec::new(), values: Vec::new(), covers: Vec::new(), tested: Vec::new() };
        let order = (0..).take(plan.candidates.len()).collect();
        Self { plan, random, order, tree, impurity_decrease: vec![0.0; plan.binned.binner().len()] }
    }

    fn run<R: Rows>(&mut self, source: &R, scratch: &mut Scratch<R::Record>) -> Result<(), Cancelled> {
        let counts = count::<R>(&scratch.records[0]);
        self.push_node(counts, 0);
        let end = scratch.records[0].len();
        let root = Task { node: 0, depth: 0, buffer: 0, start: 0, end, counts, tested: 0, constant: 0 };
        if self.may_split(counts, 0) {
            scratch.stack.push(root);
        }
        while let Some(mut task) = scratch.stack.pop() {
            self.plan.cancel.check()?;
            let records = &scratch.records[task.buffer][task.start..task.end];
            if let Some(split) = self.find_split(source, records, &mut task, &mut scratch.searcher) {
                self.split_node(source, &split, &task, scratch);
            }
        }
        Ok(())
    }

    /// The best cut among a random choice of features; more are tried until one can be cut at all.
    fn find_split<R: Rows>(
        &mut self,
        source: &R,
        records: &[R::Record],
        task: &mut Task,
        searcher: &mut Searcher,
    ) -> Option<Split> {
        let whole = Whole { counts: task.counts, min_samples_leaf: self.plan.min_samples_leaf };
        let mut best = None;
        let features = self.order.len();
        let (mut batch, mut filled) = ([Candidate { feature: 0, bins: 0 }; BATCH], 0);
        for tried in 0..features {
            let enough = tried + 1 >= self.plan.features_per_split;
            if tried >= self.plan.features_per_split && best.is_some() {
                break;
            }
            let pick = tried + below(&mut self.random, features - tried);
            self.order.swap(tried, pick);
            let candidate = self.plan.candidates[self.order[tried] as usize];
            if task.constant & constant_bit(candidate) == 0 {
                batch[filled] = candidate;
                filled += 1;
            }
            if filled == BATCH || (enough && filled > 0) {
                let constant = |candidate| task.constant |= constant_bit(candidate);
                best = searcher.search(source, records, &batch[..filled], whole, best, constant);
                filled = 0;
            }
        }
        best
    }

    fn split_node<R: Rows>(&mut self, source: &R, split: &Split, task: &Task, scratch: &mut Scratch<R::Record>) {
        let (left, right) = (split.left, task.counts.minus(split.left));
        let tested = task.tested | feature_bit(split.feature);
        let child = self.push_node(left, tested);
        self.push_node(right, tested);
        let feature = u16::try_from(split.feature).expect("tables have fewer than 65,536 columns");
        self.tree.nodes[task.node as usize] = Node { child, feature, test: split.test };
        self.impurity_decrease[split.feature] += split.decrease(task.counts);
        let depth = task.depth + 1;
        let (split_left, split_right) = (self.may_split(left, depth), self.may_split(right, depth));
        if !split_left && !split_right {
            return;
        }
        let middle = task.start + partition(source, split, task, &mut scratch.records);
        let below = Task { depth, buffer: 1 - task.buffer, tested, ..*task };
        if split_right {
            scratch.stack.push(Task { node: child + 1, start: middle, counts: right, ..below });
        }
        if split_left {
            scratch.stack.push(Task { node: child, end: middle, counts: left, ..below });
        }
    }

    fn may_split(&self, counts: Counts, depth: u32) -> bool {
        let enough = u64::from(counts.all) >= 2 * u64::from(self.plan.min_samples_leaf);
        enough && !counts.is_pure() && depth < self.plan.max_depth
    }

    /// Adds a leaf; splitting it later only changes its test.
    fn push_node(&mut self, counts: Counts, tested: u64) -> u32 {
        let index = u32::try_from(self.tree.nodes.len()).expect("a tree has at most two nodes a row");
        let rounded =
            (u64::from(counts.positive) * u64::from(VALUE_ONE) + u64::from(counts.all / 2)) / u64::from(counts.all);
        self.tree.nodes.push(Node::leaf(index));
        self.tree.values.push(u32::try_from(rounded).expect("a share is at most one"));
        self.tree.covers.push(counts.all);
        self.tree.tested.push(tested);
        index
    }
}

/// The bit of a feature in [`Task::constant`].
fn constant_bit(candidate: Candidate) -> u64 {
    if candidate.feature < 64 { feature_bit(candidate.feature) } else { 0 }
}

/// Moves the records of a node into the other buffer, left ones first; answers how many those are.
fn partition<R: Rows>(source: &R, split: &Split, task: &Task, buffers: &mut [Vec<R::Record>; 2]) -> usize {
    let [first, second] = buffers;
    let (from, to) = if task.buffer == 0 { (first, second) } else { (second, first) };
    let (from, to) = (&from[task.start..task.end], &mut to[task.start..task.end]);
    let (mut left, mut right) = (0, to.len());
    for record in from {
        // Both places are written, one of them for good: cheaper than a branch that is wrong half of the time.
        let goes_right = usize::from(split.test.goes_right(source.bin(record, split.feature)));
        to[left] = *record;
        to[right - 1] = *record;
        left += 1 - goes_right;
        right -= goes_right;
    }
    left
}

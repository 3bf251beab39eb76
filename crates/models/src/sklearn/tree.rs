//! Decision trees: read from the records of scikit-learn, kept flat, asked many rows at a time.
//!
//! Only nodes that ask something are kept; a child is another one or the number of a leaf. Rows walk a tree together, and
//! a row that has arrived makes room for the next one by arithmetic: no branch depends on what is compared, so none is
//! guessed wrong.

use std::borrow::Cow;

use super::data::{Data, Matrix};
use super::source::Source;
use crate::explain::against::{Decides, Place};
use crate::predictor::Error;

/// Rows that walk a tree together: enough independent loads to hide their latency, few enough for the registers.
const LANES: usize = 8;

/// Steps between two looks whether all rows have arrived.
const STEPS: usize = 4;

/// Set in a child that is the number of a leaf.
const LEAF: u32 = 1 << 31;

/// Set in [`Node::feature`] when a missing value goes to the right.
const MISSING_RIGHT: u32 = 1 << 31;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Largest float32 that goes left.
    threshold: f32,
    /// What is compared, and [`MISSING_RIGHT`].
    feature: u32,
    /// Left and right: a place in [`Tree::nodes`], or with [`LEAF`] one in [`Tree::values`].
    children: [u32; 2],
}

/// One tree.
#[derive(Debug)]
pub(super) struct Tree {
    /// The first is the root; none when the root is a leaf.
    nodes: Vec<Node>,
    /// `leaves x outputs`.
    values: Vec<f64>,
    outputs: usize,
    complete: Option<Complete>,
}

/// A tree of few levels, filled up to a complete one, so that the place of a child follows from that of its parent. The
/// deepest levels repeat the leaves above them.
#[derive(Debug)]
struct Complete {
    /// Feature and threshold of each node, level by level.
    tests: Vec<(u32, f32)>,
    /// Leaf at the end of each way, right being one.
    leaves: Vec<u32>,
    depth: usize,
}

/// Deepest tree that is filled up.
const COMPLETE: usize = 8;

/// Deepest tree of which every row asks all tests at once instead of one after the other: comparisons of neighbouring
/// rows need no branch and no look-up.
const AT_ONCE: usize = 4;

/// Rows that ask all tests together.
const AT_ONCE_ROWS: usize = 64;

impl Complete {
    fn of(nodes: &[Node], depth: usize) -> Option<Self> {
        if depth == 0 || depth > COMPLETE {
            return None;
        }
        let inner = (1 << depth) - 1;
        let mut places = vec![0_u32; 2 * inner + 1];
        let mut tests = Vec::with_capacity(inner);
        for at in 0..inner {
            let place = places[at];
            // Below a leaf everything stays on the left, where the leaf is once more.
            let (test, children) = match nodes.get(place as usize) {
                Some(node) => ((node.feature & !MISSING_RIGHT, node.threshold), node.children),
                None => ((0, f32::INFINITY), [place; 2]),
            };
            tests.push(test);
            places[2 * at + 1..2 * at + 3].copy_from_slice(&children);
        }
        let leaves = places.split_off(inner);
        Some(Self { tests, leaves, depth })
    }

    /// The way of every row, of some rows after the other: `take(first row, ways)`. `columns` holds all rows of one
    /// feature after the other.
    fn ways(&self, columns: &[f32], rows: usize, mut take: impl FnMut(usize, &[u8])) {
        for start in (0..rows).step_by(AT_ONCE_ROWS) {
            let count = AT_ONCE_ROWS.min(rows - start);
            // Which way the rows go below each node, the way of the node itself being the highest bit.
            let mut ways = [[0_u8; AT_ONCE_ROWS]; (1 << AT_ONCE) - 1];
            for (at, (feature, threshold)) in self.tests.iter().enumerate().rev() {
                let column = &columns[*feature as usize * rows + start..][..count];
                let mut right = [0_u8; AT_ONCE_ROWS];
                for (right, value) in right.iter_mut().zip(column) {
                    *right = u8::from(value > threshold).wrapping_neg();
                }
                let below = 2 * at + 1;
                if below >= self.tests.len() {
                    ways[at] = right.map(|right| right & 1);
                    continue;
                }
                let bit = (self.leaves.len() >> ((at + 1).ilog2() + 1)) as u8;
                let (lefts, rights) = (ways[below], ways[below + 1]);
                for (row, way) in ways[at].iter_mut().enumerate() {
                    *way = (right[row] & (rights[row] | bit)) | (!right[row] & lefts[row]);
                }
            }
            take(start, &ways[0][..count]);
        }
    }

    /// The leaf of every row, by as many steps as the tree is deep.
    fn walk<const WIDTH: usize>(&self, rows: &[[f32; WIDTH]], leaves: &mut [u32]) {
        let together = |rows: [&[f32; WIDTH]; LANES], leaves: &mut [u32]| {
            let mut at = [0_usize; LANES];
            for _ in 0..self.depth {
                for (at, row) in at.iter_mut().zip(rows) {
                    let (feature, threshold) = self.tests[*at];
                    *at = 2 * *at + 1 + usize::from(row[feature as usize & (WIDTH - 1)] > threshold);
                }
            }
            for (leaf, at) in leaves.iter_mut().zip(at) {
                *leaf = self.leaves[at - self.tests.len()];
            }
        };
        for (rows, leaves) in rows.chunks(LANES).zip(leaves.chunks_mut(LANES)) {
            together(std::array::from_fn(|lane| &rows[lane.min(rows.len() - 1)]), leaves);
        }
    }
}

/// Rows as trees compare them.
pub(super) struct Inputs {
    pub(super) rows: usize,
    /// Numbers of a row in `values`: a power of two, so that a feature is inside by masking, or more than 256.
    stride: usize,
    /// One row of zeros after the last, for lanes that have nothing left to do.
    values: Vec<f32>,
    missing: bool,
    width: usize,
    /// The same numbers, all rows of one feature after the other, once a complete tree asks for them.
    columns: std::sync::OnceLock<Vec<f32>>,
}

impl Inputs {
    /// Rounds to float32 as the library does; what does not fit is refused as there.
    pub(super) fn new(data: &Data, width: usize, missing_allowed: bool) -> Result<Self, Error> {
        let matrix: Cow<'_, Matrix> = if missing_allowed { data.with_missing(width)? } else { data.finite(width)? };
        let stride = if width <= 256 { width.next_power_of_two().max(8) } else { width };
        let mut values = vec![0.0_f32; (matrix.rows + 1) * stride];
        for (to, from) in values.chunks_exact_mut(stride).zip(matrix.iter()) {
            to.iter_mut().zip(from).for_each(|(to, from)| *to = *from as f32);
        }
        if values.iter().any(|value| value.is_infinite()) {
            return Err(Error::Input {
                expected: "numbers within the range of float32".to_owned(),
                found: "a larger one".to_owned(),
            });
        }
        let missing = missing_allowed && values.iter().any(|value| value.is_nan());
        Ok(Self { rows: matrix.rows, stride, values, missing, width, columns: std::sync::OnceLock::new() })
    }

    fn columns(&self) -> &[f32] {
        self.columns.get_or_init(|| {
            let rows = self.values.chunks_exact(self.stride).take(self.rows);
            (0..self.width).flat_map(|feature| rows.clone().map(move |row| row[feature])).collect()
        })
    }
}

impl Node {
    #[inline]
    fn is_right<const MISSING: bool>(&self, value: f32) -> bool {
        value > self.threshold || (MISSING && value.is_nan() && self.feature & MISSING_RIGHT != 0)
    }
}

impl Tree {
    /// Adds what the tree says about each row: `add(row, values of its leaf)`.
    pub(super) fn visit(&self, inputs: &Inputs, leaves: &mut Vec<u32>, mut add: impl FnMut(usize, &[f64])) {
        leaves.clear();
        leaves.resize(inputs.rows + 1, LEAF);
        match (&self.complete, inputs.stride) {
            _ if self.nodes.is_empty() => {}
            (Some(complete), _) if complete.depth <= AT_ONCE && !inputs.missing => {
                complete.ways(inputs.columns(), inputs.rows, |start, ways| {
                    for (leaf, way) in leaves[start..].iter_mut().zip(ways) {
                        *leaf = complete.leaves[usize::from(*way)];
                    }
                });
            }
            (_, 8) => self.find::<8>(inputs, leaves),
            (_, 16) => self.find::<16>(inputs, leaves),
            (_, 32) => self.find::<32>(inputs, leaves),
            (_, 64) => self.find::<64>(inputs, leaves),
            (_, 128) => self.find::<128>(inputs, leaves),
            (_, 256) => self.find::<256>(inputs, leaves),
            (_, stride) => {
                for (leaf, row) in leaves.iter_mut().zip(inputs.values.chunks_exact(stride)) {
                    *leaf = self.find_one(row);
                }
            }
        }
        for (row, leaf) in leaves[..inputs.rows].iter().enumerate() {
            let at = (leaf & !LEAF) as usize * self.outputs;
            add(row, &self.values[at..at + self.outputs]);
        }
    }

    /// Adds the value of its leaf to the sum of each row, for a tree of one value in a leaf.
    pub(super) fn add_to<'s>(
        &self,
        inputs: &Inputs,
        leaves: &mut Vec<u32>,
        mut sums: impl Iterator<Item = &'s mut f64>,
    ) {
        let complete = self.complete.as_ref().filter(|complete| complete.depth <= AT_ONCE && !inputs.missing);
        let Some(complete) = complete else {
            return self.visit(inputs, leaves, |_, leaf| sums.by_ref().take(1).for_each(|sum| *sum += leaf[0]));
        };
        let mut values = [0.0; 1 << AT_ONCE];
        for (value, leaf) in values.iter_mut().zip(&complete.leaves) {
            *value = self.values[(leaf & !LEAF) as usize];
        }
        complete.ways(inputs.columns(), inputs.rows, |_, ways| {
            for (way, sum) in ways.iter().zip(&mut sums) {
                *sum += values[usize::from(*way) % values.len()];
            }
        });
    }

    fn find<const WIDTH: usize>(&self, inputs: &Inputs, leaves: &mut [u32]) {
        let rows = inputs.values.as_chunks::<WIDTH>().0;
        match &self.complete {
            _ if inputs.missing => self.walk::<WIDTH, true>(rows, leaves),
            Some(complete) => complete.walk(rows, leaves),
            None => self.walk::<WIDTH, false>(rows, leaves),
        }
    }

    /// Finds the leaf of every row but the last, where lanes go that have no next row. What a lane comes by is written
    /// down at every step: the last it writes for a row is its leaf.
    fn walk<const WIDTH: usize, const MISSING: bool>(&self, rows: &[[f32; WIDTH]], leaves: &mut [u32]) {
        let Some(end) = rows.len().checked_sub(1) else { return };
        let mut row: [usize; LANES] = std::array::from_fn(|lane| lane.min(end));
        let mut next = LANES.min(end);
        let mut at = [0_u32; LANES];
        while row.iter().any(|row| *row != end) {
            for _ in 0..STEPS {
                for lane in 0..LANES {
                    let node = &self.nodes[at[lane] as usize];
                    let right = node.is_right::<MISSING>(rows[row[lane]][node.feature as usize & (WIDTH - 1)]);
                    let child = node.children[usize::from(right)];
                    leaves[row[lane]] = child;
                    let arrived = child >= LEAF;
                    row[lane] = if arrived { next } else { row[lane] };
                    next = (next + usize::from(arrived)).min(end);
                    at[lane] = if arrived { 0 } else { child };
                }
            }
        }
    }

    /// The leaf of one row of many features.
    fn find_one(&self, row: &[f32]) -> u32 {
        let mut at = 0;
        while at < LEAF {
            let node = &self.nodes[at as usize];
            at = node.children[usize::from(node.is_right::<true>(row[(node.feature & !MISSING_RIGHT) as usize]))];
        }
        at
    }

    /// The tree with rows, for the explanation of one output.
    pub(super) fn asked<'a>(&'a self, inputs: &'a Inputs, output: usize) -> Asked<'a> {
        Asked { tree: self, inputs, output }
    }

    /// Multiplies the values of every node.
    pub(super) fn scale(&mut self, factor: f64) {
        self.values.iter_mut().for_each(|value| *value *= factor);
    }

    pub(super) fn outputs(&self) -> usize {
        self.outputs
    }

    /// Whether every value passes.
    pub(super) fn all_values(&self, test: impl Fn(&[f64]) -> bool) -> bool {
        self.values.chunks_exact(self.outputs).all(test)
    }

    /// Scales the values of every node to one, as the library does for class counts.
    pub(super) fn normalize(&mut self) {
        self.values.chunks_exact_mut(self.outputs).for_each(super::numeric::normalize);
    }
}

/// A tree with the rows that it is asked about.
pub(super) struct Asked<'a> {
    tree: &'a Tree,
    inputs: &'a Inputs,
    output: usize,
}

impl Decides for Asked<'_> {
    fn root(&self) -> u32 {
        if self.tree.nodes.is_empty() { LEAF } else { 0 }
    }

    fn at(&self, place: u32) -> Place {
        if place >= LEAF {
            return Place::Leaf(self.tree.values[(place & !LEAF) as usize * self.tree.outputs + self.output]);
        }
        let node = &self.tree.nodes[place as usize];
        let [left, right] = node.children;
        Place::Test { feature: node.feature & !MISSING_RIGHT, left, right }
    }

    fn is_right(&self, place: u32, row: usize) -> bool {
        let node = &self.tree.nodes[place as usize];
        let feature = (node.feature & !MISSING_RIGHT) as usize;
        node.is_right::<true>(self.inputs.values[row * self.inputs.stride + feature])
    }
}

/// A node of another library, in the terms of this one. Children come after their parents.
pub(super) struct Plain {
    pub(super) children: Option<(i64, i64)>,
    pub(super) feature: i64,
    pub(super) threshold: f64,
    pub(super) missing_left: bool,
    /// How many training rows came by, or their weight.
    pub(super) busy: i64,
    pub(super) value: f64,
}

impl Tree {
    /// `None` unless the nodes form a tree over that many inputs.
    pub(super) fn of_plain(nodes: &[Plain], inputs: usize) -> Option<Self> {
        let record = |node: &Plain| {
            let (left, right) = node.children.unwrap_or((-1, -1));
            let (feature, threshold) = (node.feature, node.threshold);
            Record { left, right, feature, threshold, missing_left: node.missing_left, samples: node.busy }
        };
        let records: Vec<Record> = nodes.iter().map(record).collect();
        let (order, children) = sibling_order(&records, inputs)?;
        let values: Vec<f64> = nodes.iter().map(|node| node.value).collect();
        Some(flatten(&records, &order, &children, &values, 1))
    }
}

/// A node as stored.
struct Record {
    left: i64,
    right: i64,
    feature: i64,
    threshold: f64,
    missing_left: bool,
    /// Training rows that came by.
    samples: i64,
}

/// Reads a `sklearn.tree._tree.Tree` with that many inputs: a tree for each target, with as many values in a leaf as
/// that target has.
pub(super) fn read(source: &Source<'_>, inputs: usize, targets: &[usize]) -> Result<Vec<Tree>, Error> {
    let count = declared(source, inputs, targets.len())?;
    let values = source.finite("values")?;
    let widest = targets.iter().copied().max().unwrap_or(0);
    if values.shape != [count, targets.len(), widest] || count == 0 || widest == 0 {
        return Err(source.refuse("the shape of the values of a tree does not fit its nodes"));
    }
    let (records, order, children) = nodes(source, count, inputs)?;
    let read = |(target, outputs): (usize, &usize)| {
        let stored = values.values.chunks_exact(widest).skip(target).step_by(targets.len());
        let values: Vec<f64> = stored.flat_map(|values| &values[..*outputs]).copied().collect();
        flatten(&records, &order, &children, &values, *outputs)
    };
    Ok(targets.iter().enumerate().map(read).collect())
}

/// The same, with values made of the depth of a leaf and the number of training rows in it.
pub(super) fn read_with(source: &Source<'_>, inputs: usize, value: impl Fn(usize, i64) -> f64) -> Result<Tree, Error> {
    let count = declared(source, inputs, 1)?;
    let (records, order, children) = nodes(source, count, inputs)?;
    let mut depths = vec![0_usize; count];
    let mut values = vec![0.0; count];
    for (place, stored) in order.iter().enumerate() {
        let record = &records[*stored];
        if children[place] == 0 {
            values[*stored] = value(depths[*stored], record.samples);
            continue;
        }
        for child in [record.left, record.right] {
            depths[child as usize] = depths[*stored] + 1;
        }
    }
    Ok(flatten(&records, &order, &children, &values, 1))
}

/// How many nodes a tree says it has, after checking what it is made for.
fn declared(source: &Source<'_>, inputs: usize, targets: usize) -> Result<usize, Error> {
    let (class, arguments) = source.view().call().ok_or_else(|| source.refuse("a tree is needed in this place"))?;
    if !class.is("sklearn.tree._tree", "Tree") {
        return Err(source.refuse("a tree is needed in this place"));
    }
    let [declared, _classes, declared_targets] = arguments.as_slice() else {
        return Err(source.refuse("a tree is made of other arguments than known"));
    };
    if declared.integer() != i64::try_from(inputs).ok() || inputs == 0 {
        return Err(source.refuse(format!("the tree is not made for {inputs} inputs")));
    }
    if declared_targets.integer() != i64::try_from(targets).ok() {
        return Err(source.refuse(format!("the tree is not made for {targets} targets")));
    }
    source.size("node_count")
}

type Nodes = (Vec<Record>, Vec<usize>, Vec<u32>);

fn nodes(source: &Source<'_>, count: usize, inputs: usize) -> Result<Nodes, Error> {
    let records = records(source, count)?;
    let (order, children) = sibling_order(&records, inputs).ok_or_else(|| {
        source.refuse("the nodes do not form a tree: a child, a feature or a threshold is out of range")
    })?;
    Ok((records, order, children))
}

/// How much each feature lowers the impurity (`Tree.compute_feature_importances`), not scaled.
pub(super) fn importances(source: &Source<'_>, inputs: usize) -> Result<Vec<f64>, Error> {
    let count = declared(source, inputs, 1)?;
    let (records, _, _) = nodes(source, count, inputs)?;
    let array = source.array("nodes")?;
    let odd = || source.refuse("the record of a tree node is not understood");
    let stored = array.records().ok_or_else(odd)?;
    let number = |record: &[u8], name: &str| {
        let field = array.dtype.field(name)?;
        field.dtype.number(&record[field.offset..field.offset + field.dtype.size])
    };
    let weighted: Option<Vec<(f64, f64)>> = stored
        .map(|record| {
            let weight = number(record, "weighted_n_node_samples")?;
            Some((weight, weight * number(record, "impurity")?))
        })
        .collect();
    let weighted = weighted.ok_or_else(odd)?;
    let mut sums = vec![0.0; inputs];
    for (record, (_, impurity)) in records.iter().zip(&weighted).filter(|(record, _)| record.left != -1) {
        sums[record.feature as usize] +=
            impurity - weighted[record.left as usize].1 - weighted[record.right as usize].1;
    }
    sums.iter_mut().for_each(|sum| *sum /= weighted[0].0);
    Ok(sums)
}

fn records(source: &Source<'_>, count: usize) -> Result<Vec<Record>, Error> {
    let array = source.array("nodes")?;
    let odd = || source.refuse("the record of a tree node is not understood");
    let field = |name: &str| array.dtype.field(name).ok_or_else(odd);
    let (left, right) = (field("left_child")?, field("right_child")?);
    let (feature, threshold) = (field("feature")?, field("threshold")?);
    // Since 1.3; trees of earlier versions never see a missing value.
    let missing = array.dtype.field("missing_go_to_left");
    let samples = field("n_node_samples")?;
    let records = array.records().ok_or_else(odd)?;
    if records.len() != count {
        return Err(source.refuse("the tree has not as many nodes as it says"));
    }
    let read = |record: &[u8]| {
        let of =
            |field: &crate::pickle::Field| field.dtype.integer(&record[field.offset..field.offset + field.dtype.size]);
        Some(Record {
            left: of(left)?,
            right: of(right)?,
            feature: of(feature)?,
            threshold: threshold.dtype.number(&record[threshold.offset..threshold.offset + threshold.dtype.size])?,
            missing_left: match missing {
                Some(missing) => of(missing)? != 0,
                None => false,
            },
            samples: of(samples)?,
        })
    };
    records.map(|record| read(record).ok_or_else(odd)).collect()
}

/// Stored positions in the order in which they are kept, and where the children of each begin (0 for a leaf): siblings
/// together, and the pair below the more travelled of two right behind them, so that a path stays within few cache
/// lines. `None` unless every node but the first has exactly one parent, which is stored before it.
fn sibling_order(records: &[Record], inputs: usize) -> Option<(Vec<usize>, Vec<u32>)> {
    let mut order = vec![0];
    let mut children = vec![0_u32; records.len()];
    let mut reached = vec![false; records.len()];
    *reached.first_mut()? = true;
    // Places whose children have none yet; the last is next.
    let mut open = vec![0_usize];
    while let Some(place) = open.pop() {
        let at = order[place];
        let record = &records[at];
        if record.left == -1 && record.right == -1 {
            continue;
        }
        let feature = usize::try_from(record.feature).ok()?;
        if feature >= inputs || record.threshold.is_nan() || record.threshold == f64::NEG_INFINITY {
            return None;
        }
        let first = order.len();
        children[place] = u32::try_from(first).ok().filter(|first| *first < LEAF)?;
        for child in [record.left, record.right] {
            let child = usize::try_from(child).ok().filter(|child| *child > at && *child < records.len())?;
            if std::mem::replace(&mut reached[child], true) {
                return None;
            }
            order.push(child);
        }
        let left_is_busier = records[order[first]].samples >= records[order[first + 1]].samples;
        open.extend(if left_is_busier { [first + 1, first] } else { [first, first + 1] });
    }
    (order.len() == records.len()).then_some((order, children))
}

fn flatten(records: &[Record], order: &[usize], children: &[u32], values: &[f64], outputs: usize) -> Tree {
    // The place of a node among those that ask, or the number of a leaf.
    let (mut asking, mut leaves) = (0, LEAF);
    let numbers: Vec<u32> = children
        .iter()
        .map(|first| {
            let counted = if *first == 0 { &mut leaves } else { &mut asking };
            *counted += 1;
            *counted - 1
        })
        .collect();
    let mut nodes = Vec::with_capacity(asking as usize);
    let mut kept = Vec::with_capacity((leaves - LEAF) as usize * outputs);
    let mut depths = vec![0_usize; order.len()];
    for (at, (stored, first)) in order.iter().zip(children).enumerate() {
        let record = &records[*stored];
        if *first == 0 {
            kept.extend(&values[stored * outputs..(stored + 1) * outputs]);
            continue;
        }
        let missing = if record.missing_left { 0 } else { MISSING_RIGHT };
        let pair = *first as usize..*first as usize + 2;
        nodes.push(Node {
            threshold: round_down(record.threshold),
            feature: record.feature as u32 | missing,
            children: [numbers[pair.start], numbers[pair.start + 1]],
        });
        let below = depths[at] + 1;
        depths[pair].fill(below);
    }
    let depth = depths.into_iter().max().unwrap_or(0);
    let complete = Complete::of(&nodes, depth);
    Tree { nodes, values: kept, outputs, complete }
}

/// The largest float32 that is not above: comparing a float32 with it is comparing with the double.
fn round_down(threshold: f64) -> f32 {
    let rounded = threshold as f32;
    if f64::from(rounded) > threshold { rounded.next_down() } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn float32_comparison_agrees_with_double_comparison() {
        for threshold in [0.1, 0.5, -0.1, 1e-50, -1e-50, 3.4e38, 1e300, 16_777_217.0] {
            for value in [0.1_f32, 0.5, -0.1, 0.0, 1e-45, -1e-45, f32::MAX, f32::MIN, 16_777_216.0, 16_777_218.0] {
                assert_eq!(value <= round_down(threshold), f64::from(value) <= threshold, "{value} {threshold}");
            }
        }
        assert_eq!(round_down(f64::INFINITY), f32::INFINITY);
    }

    fn record(left: i64, right: i64) -> Record {
        Record { left, right, feature: 0, threshold: 0.5, missing_left: false, samples: 1 }
    }

    #[test]
    fn only_trees_are_trees() {
        let (order, children) = sibling_order(&[record(1, 2), record(-1, -1), record(-1, -1)], 1).unwrap();
        assert_eq!((order, children), (vec![0, 1, 2], vec![1, 0, 0]));
        for broken in [
            vec![record(0, 1), record(-1, -1)],
            vec![record(1, 1), record(-1, -1)],
            vec![record(1, 9), record(-1, -1)],
            vec![record(1, -1), record(-1, -1)],
            vec![record(-1, -1), record(-1, -1)],
            vec![record(-2, 1), record(-1, -1)],
        ] {
            assert_eq!(sibling_order(&broken, 1), None);
        }
        assert_eq!(sibling_order(&[record(1, 2), record(-1, -1), record(-1, -1)], 0), None);
    }
}

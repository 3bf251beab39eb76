//! The trees of XGBoost: from the arrays of a document to nodes that can be asked.

use std::collections::HashMap;

use super::{CATEGORIES_MAX, Fast, General, Kind, LIBRARY, odd};
use crate::predictor::Error;
use crate::sklearn::boosters::document::Value;
use crate::sklearn::boosters::tree::{Child, Missing, Split, Test};
use crate::sklearn::tree::Plain;

/// The arrays of one tree.
#[derive(Clone)]
pub(super) struct Arrays {
    left: Vec<f64>,
    right: Vec<f64>,
    feature: Vec<f64>,
    condition: Vec<f64>,
    default_left: Vec<f64>,
    is_category: Vec<f64>,
    cover: Vec<f64>,
}

impl Arrays {
    pub(super) fn read(tree: &Value) -> Option<Self> {
        let numbers = |key: &str| tree.get(key).and_then(Value::numbers);
        let left = numbers("left_children")?;
        let flags = |key: &str| match tree.get(key) {
            Some(Value::List(members)) => members.iter().map(Value::number).collect(),
            Some(other) => other.numbers(),
            None => Some(vec![0.0; left.len()]),
        };
        let arrays = Self {
            right: numbers("right_children")?,
            feature: numbers("split_indices")?,
            condition: numbers("split_conditions")?,
            default_left: flags("default_left")?,
            is_category: flags("split_type").filter(|kinds| !kinds.is_empty()).unwrap_or_else(|| vec![0.0; left.len()]),
            cover: numbers("sum_hessian").unwrap_or_else(|| vec![0.0; left.len()]),
            left,
        };
        let nodes = arrays.left.len();
        let same = [
            &arrays.right,
            &arrays.feature,
            &arrays.condition,
            &arrays.default_left,
            &arrays.is_category,
            &arrays.cover,
        ]
        .iter()
        .all(|array| array.len() == nodes);
        (nodes > 0 && same).then_some(arrays)
    }

    /// The tree of one of several scores. Up to 3.0 every node has its values in `base_weights`; since then the leaves
    /// have theirs in `leaf_weights`, at the place that stands where a node has its right child.
    pub(super) fn of_group(&self, tree: &Value, group: usize, groups: usize) -> Option<Self> {
        let by_leaf = tree.get("leaf_weights").and_then(Value::numbers).filter(|weights| !weights.is_empty());
        let weights = match &by_leaf {
            Some(weights) => weights.clone(),
            None => tree.get("base_weights").and_then(Value::numbers)?,
        };
        let mut arrays = self.clone();
        for at in (0..self.left.len()).filter(|at| self.left[*at] < 0.0) {
            let place = if by_leaf.is_some() { self.right[at] } else { at as f64 };
            // A node that pruning has left behind has no place.
            let place = if place >= 0.0 { (place as usize).checked_mul(groups)?.checked_add(group)? } else { continue };
            arrays.condition[at] = *weights.get(place)?;
        }
        Some(arrays)
    }
}

pub(super) fn broken() -> Error {
    LIBRARY.refuse("the nodes do not form a tree: a child, a feature or a number is out of range")
}

/// Values in a leaf: more than one of `multi_strategy="multi_output_tree"`.
pub(super) fn leaf_size(tree: &Value) -> usize {
    let size = tree.at(&["tree_param", "size_leaf_vector"]).and_then(Value::parameter);
    size.filter(|size| (1.0..1e6).contains(size)).map_or(1, |size| size as usize)
}

pub(super) fn tree_of(tree: &Value, arrays: &Arrays, inputs: usize) -> Result<Kind, Error> {
    // Nodes that pruning has left behind are not reached from the root.
    let mut order = vec![0_usize];
    let mut place: Vec<Option<u32>> = vec![None; arrays.left.len()];
    place[0] = Some(0);
    let mut next = 0;
    while let Some(at) = order.get(next).copied() {
        next += 1;
        if arrays.left[at] < 0.0 {
            continue;
        }
        for child in [arrays.left[at], arrays.right[at]] {
            let child = if child >= 0.0 && child.fract() == 0.0 { child as usize } else { usize::MAX };
            let taken = place.get_mut(child).ok_or_else(broken)?;
            if taken.replace(order.len() as u32).is_some() {
                return Err(broken());
            }
            order.push(child);
        }
    }
    let sound = |at: &usize| {
        let leaf = arrays.left[*at] < 0.0;
        let condition = arrays.condition[*at];
        if leaf {
            condition.is_finite()
        } else {
            (!condition.is_nan() || arrays.is_category[*at] != 0.0)
                && (0.0..inputs as f64).contains(&arrays.feature[*at])
        }
    };
    if !order.iter().all(sound) {
        return Err(broken());
    }
    if order.iter().any(|at| arrays.is_category[*at] != 0.0) {
        return general(tree, arrays, &order, &place, inputs);
    }
    let plain = order.iter().map(|at| {
        let child = |child: f64| i64::from(place[child as usize].unwrap_or(0));
        let leaf = arrays.left[*at] < 0.0;
        let condition = arrays.condition[*at] as f32;
        Plain {
            children: (!leaf).then(|| (child(arrays.left[*at]), child(arrays.right[*at]))),
            feature: if leaf { 0 } else { arrays.feature[*at] as i64 },
            // Smaller goes left: not larger than the float32 before.
            threshold: if leaf { 0.0 } else { f64::from(condition.next_down()) },
            missing_left: arrays.default_left[*at] != 0.0,
            busy: arrays.cover[*at].clamp(0.0, 1e15) as i64,
            value: if leaf { f64::from(condition) } else { 0.0 },
        }
    });
    Ok(Kind::Fast(Fast::of_plain(&plain.collect::<Vec<Plain>>(), inputs).ok_or_else(broken)?))
}

/// A tree of which some nodes ask for a category: those in the set go right.
fn general(
    tree: &Value,
    arrays: &Arrays,
    order: &[usize],
    place: &[Option<u32>],
    inputs: usize,
) -> Result<Kind, Error> {
    let broken = || odd("the categories of a tree");
    let numbers = |key: &str| tree.get(key).and_then(Value::numbers).ok_or_else(broken);
    let (nodes, starts, sizes) =
        (numbers("categories_nodes")?, numbers("categories_segments")?, numbers("categories_sizes")?);
    let all = numbers("categories")?;
    let entries: HashMap<usize, usize> =
        nodes.iter().enumerate().map(|(entry, node)| (*node as usize, entry)).collect();
    let set = |at: usize| -> Option<Vec<u32>> {
        let entry = *entries.get(&at)?;
        let start = *starts.get(entry)? as usize;
        let members = all.get(start..start.checked_add(*sizes.get(entry)? as usize)?)?;
        if members.iter().any(|member| !(0.0..CATEGORIES_MAX).contains(member)) {
            return None;
        }
        let mut members: Vec<u32> = members.iter().map(|member| *member as u32).collect();
        members.sort_unstable();
        Some(members)
    };
    let inner: Vec<usize> = order.iter().copied().filter(|at| arrays.left[*at] >= 0.0).collect();
    let mut number = vec![0_u32; place.len()];
    let mut values = Vec::new();
    for (at, node) in inner.iter().enumerate() {
        number[*node] = at as u32;
    }
    for at in order.iter().filter(|at| arrays.left[**at] < 0.0) {
        number[*at] = values.len() as u32;
        values.push(arrays.condition[*at]);
    }
    let child = |child: f64| {
        let at = child as usize;
        if arrays.left[at] < 0.0 { Child::Leaf(number[at]) } else { Child::Node(number[at]) }
    };
    let mut splits = Vec::with_capacity(inner.len());
    for at in inner {
        let test = match arrays.is_category[at] != 0.0 {
            true => Test::NotAmong(set(at).ok_or_else(broken)?),
            false => Test::Below(f64::from(arrays.condition[at] as f32)),
        };
        let missing = if arrays.default_left[at] != 0.0 { Missing::Left } else { Missing::Right };
        let feature = arrays.feature[at] as u32;
        splits.push(Split { feature, test, missing, left: child(arrays.left[at]), right: child(arrays.right[at]) });
    }
    let tree = General::new(splits, values.len(), inputs).ok_or_else(broken)?;
    Ok(Kind::General(tree, values))
}

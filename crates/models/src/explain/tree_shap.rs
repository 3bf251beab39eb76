//! Exact Shapley values of tree ensembles in polynomial time.
//!
//! Algorithm 2 of Lundberg et al., "Consistent individualized feature attribution for tree ensembles" (2018), the
//! path-dependent form: a feature outside the coalition sends a row down both sides in proportion to their covers.
//! The walk carries, for all coalition sizes at once, the share of coalitions that follow the path
//! (`extend`); at a leaf each feature of the path is taken out again (`unwound_sum`). O(leaves x depth^2) a tree and
//! row.

use assize_tables::{Cancel, Cancelled};

use super::Attributions;
use super::ensemble::{Ensemble, Node};
use crate::parallel;

/// Explains rows, row-major with [`Ensemble::features`] cells each (NaN is missing); `threads` 0 is all cores.
///
/// # Errors
/// [`Cancelled`].
///
/// # Panics
/// When `rows` is no multiple of the number of features.
pub fn tree_shap(
    ensemble: &Ensemble,
    rows: &[f64],
    threads: usize,
    cancel: &Cancel,
) -> Result<Attributions, Cancelled> {
    let features = ensemble.features();
    assert!(features > 0 && rows.len().is_multiple_of(features), "rows have {features} cells each");
    let parts = parallel::map(rows.len() / features, threads, cancel, Vec::new, |path, row| {
        let row = &rows[row * features..][..features];
        let mut values = vec![0.0; features];
        for tree in ensemble.trees() {
            cancel.check()?;
            path.clear();
            let start = Step { node: 0, feature: usize::MAX, zero: 1.0, one: 1.0 };
            Walk { tree, row, values: &mut values }.descend(path, start);
        }
        values.iter_mut().for_each(|value| *value *= ensemble.factor());
        Ok(values)
    })?;
    Ok(Attributions { base: ensemble.base(), features, values: parts.concat() })
}

/// A feature on the path from the root.
#[derive(Debug, Clone, Copy)]
struct Element {
    feature: usize,
    /// Share of rows that follow the path when the feature is unknown.
    zero: f64,
    /// 1 when the explained row follows the path, else 0.
    one: f64,
    /// Weight of the coalitions that hold as many features as this element has before it.
    weight: f64,
}

/// The way into a node.
#[derive(Debug, Clone, Copy)]
struct Step {
    node: usize,
    feature: usize,
    zero: f64,
    one: f64,
}

struct Walk<'a> {
    tree: &'a [Node],
    row: &'a [f64],
    values: &'a mut [f64],
}

impl Walk<'_> {
    /// Adds what the leaves below `step` contribute; `path` is left as it was.
    fn descend(&mut self, path: &mut Vec<Element>, step: Step) {
        // No row gets here, whatever is known: all weights below would be zero.
        if step.zero == 0.0 && step.one == 0.0 {
            return;
        }
        let before = path.clone();
        extend(path, &step);
        let node = &self.tree[step.node];
        if let Some(split) = &node.split {
            let (mut zero, mut one) = (1.0, 1.0);
            if let Some(at) = path.iter().position(|element| element.feature == split.feature) {
                (zero, one) = (path[at].zero, path[at].one);
                unwind(path, at);
            }
            let (hot, cold) = split.children(self.row);
            let share = |child: usize| zero * self.tree[child].cover / node.cover;
            let (hot_zero, cold_zero) = (share(hot), share(cold));
            self.descend(path, Step { node: hot, feature: split.feature, zero: hot_zero, one });
            self.descend(path, Step { node: cold, feature: split.feature, zero: cold_zero, one: 0.0 });
        } else {
            for at in 1..path.len() {
                let element = path[at];
                self.values[element.feature] += unwound_sum(path, at) * (element.one - element.zero) * node.value;
            }
        }
        *path = before;
    }
}

fn extend(path: &mut Vec<Element>, step: &Step) {
    let depth = path.len();
    let size = depth as f64 + 1.0;
    let weight = if depth == 0 { 1.0 } else { 0.0 };
    path.push(Element { feature: step.feature, zero: step.zero, one: step.one, weight });
    for at in (0..depth).rev() {
        path[at + 1].weight += step.one * path[at].weight * (at as f64 + 1.0) / size;
        path[at].weight *= step.zero * (depth - at) as f64 / size;
    }
}

/// Undoes the extension by the element `at`.
fn unwind(path: &mut Vec<Element>, at: usize) {
    let depth = path.len() - 1;
    let size = depth as f64 + 1.0;
    let Element { zero, one, .. } = path[at];
    let mut next = path[depth].weight;
    for index in (0..depth).rev() {
        let outside = (depth - index) as f64;
        if one == 0.0 {
            path[index].weight *= size / (zero * outside);
        } else {
            let weight = path[index].weight;
            path[index].weight = next * size / ((index as f64 + 1.0) * one);
            next = weight - path[index].weight * zero * outside / size;
        }
    }
    for index in at..depth {
        let Element { feature, zero, one, .. } = path[index + 1];
        path[index] = Element { feature, zero, one, weight: path[index].weight };
    }
    path.pop();
}

/// Sum of the weights after [`unwind`] of the element `at`, without unwinding.
fn unwound_sum(path: &[Element], at: usize) -> f64 {
    let depth = path.len() - 1;
    let Element { zero, one, .. } = path[at];
    let mut next = path[depth].weight;
    let mut total = 0.0;
    for index in (0..depth).rev() {
        let outside = (depth - index) as f64;
        if one == 0.0 {
            total += path[index].weight / (zero * outside);
        } else {
            let weight = next / ((index as f64 + 1.0) * one);
            total += weight;
            next = path[index].weight - weight * zero * outside;
        }
    }
    total * (depth as f64 + 1.0)
}

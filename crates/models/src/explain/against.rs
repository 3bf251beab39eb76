//! Exact Shapley values of trees against background rows, in one walk for each explained row and tree.
//!
//! The interventional form of TreeSHAP (Lundberg et al., "From local explanations to global understanding with
//! explainable AI for trees", 2020): a column outside the coalition has the cell of a background row, and the value of
//! a coalition is the mean over the background, as in kernel SHAP, whose answer with all coalitions this is.
//!
//! A leaf is reached by a coalition when every column that only the explained row leads there is in it, and none that
//! only the background row leads there. With a of the first kind and b of the second, a leaf of value v adds
//! v (a - 1)! b! / (a + b)! to each of the first and takes v a! (b - 1)! / (a + b)! from each of the second. The walk
//! carries all background rows that still have a way to the leaf, so that they share its tests. What the explained row
//! fails is the same for all of them; what they fail is a set of each.
//!
//! Columns are counted where they come from: several features made of one column of the input are one player.
//!
//! Invariants: rows are summed by themselves and in the order of the trees, so threads change no bit; the work of a row
//! is counted and has an end.

use assize_tables::Cancel;
use rayon::prelude::*;

use super::Attributions;
use crate::predictor::Error;

/// Background rows of one walk: one bit each.
pub(crate) const BACKGROUND_MAX: usize = 128;
/// Columns that may differ on the way to one leaf: one bit each.
const PLAYERS_ON_A_PATH_MAX: usize = 64;
/// Turns on the way to one leaf; the walk is recursive.
const TURNS_MAX: usize = 512;
/// Nodes times background rows looked at for one explained row. A forest of 100 unlimited trees on UCI Adult takes some
/// two million with 120 background rows.
const LOOKS_MAX: u64 = 200_000_000;

/// What stands at a place in a tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Place {
    /// What a leaf adds to the score.
    Leaf(f64),
    /// A test of one feature, and the places of its children.
    Test { feature: u32, left: u32, right: u32 },
}

/// A tree together with the rows that are asked, the explained ones first.
pub(crate) trait Decides: Sync {
    /// The root, or `None` for a tree that says the same about everything.
    fn root(&self) -> u32;

    fn at(&self, place: u32) -> Place;

    /// Whether a row goes right at a test.
    fn is_right(&self, place: u32, row: usize) -> bool;
}

/// Which rows are explained, and whose columns they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asking<'a> {
    /// Rows explained; the rest is the background.
    pub(crate) explained: usize,
    /// Rows in all.
    pub(crate) rows: usize,
    /// The column of the input that each feature is made of.
    pub(crate) owners: &'a [usize],
    /// Columns of the input.
    pub(crate) players: usize,
}

impl Asking<'_> {
    pub(crate) fn background(&self) -> usize {
        self.rows - self.explained
    }

    /// Whether all of it is within what is worked out.
    pub(crate) fn is_sound(&self) -> bool {
        let inside = self.owners.iter().all(|owner| *owner < self.players);
        self.explained < self.rows && self.background() <= BACKGROUND_MAX && inside
    }
}

/// Explains the score `offset + sum of (factor * leaf)` over trees; `None` when a walk is beyond its limits.
pub(crate) fn trees<T: Decides>(
    trees: &[(T, f64)],
    offset: f64,
    asking: Asking<'_>,
    cancel: &Cancel,
) -> Result<Option<Attributions>, Error> {
    if !asking.is_sound() {
        return Ok(None);
    }
    let weights = Weights::new();
    let share = 1.0 / asking.background() as f64;
    let rows: Vec<Option<Vec<f64>>> = (0..asking.explained)
        .into_par_iter()
        .map(|row| -> Result<Option<Vec<f64>>, Error> {
            let mut sums = vec![0.0; asking.players];
            let mut looks = 0;
            for (tree, factor) in trees {
                cancel.check()?;
                let mut walk = Walk::new(tree, &asking, &weights, row, factor * share, &mut sums, looks);
                let all = (asking.explained..asking.rows).map(|row| Alive { row: row as u32, failed: 0 });
                walk.alive.extend(all);
                if !walk.down(tree.root(), 0, 0, 0) {
                    return Ok(None);
                }
                looks = walk.looks;
            }
            Ok(Some(sums))
        })
        .collect::<Result<_, Error>>()?;
    let Some(rows) = rows.into_iter().collect::<Option<Vec<Vec<f64>>>>() else { return Ok(None) };
    let mut base = 0.0;
    for row in asking.explained..asking.rows {
        cancel.check()?;
        base += trees.iter().map(|(tree, factor)| factor * leaf(tree, row)).sum::<f64>();
    }
    Ok(Some(Attributions { base: offset + base * share, features: asking.players, values: rows.concat() }))
}

/// The value of the leaf that a row reaches.
fn leaf(tree: &impl Decides, row: usize) -> f64 {
    let mut at = tree.root();
    loop {
        match tree.at(at) {
            Place::Leaf(value) => return value,
            Place::Test { left, right, .. } => at = if tree.is_right(at, row) { right } else { left },
        }
    }
}

/// `(a - 1)! b! / (a + b)!` for a from 1.
struct Weights(Vec<f64>);

const SIDE: usize = PLAYERS_ON_A_PATH_MAX + 1;

impl Weights {
    fn new() -> Self {
        let mut weights = vec![0.0; SIDE * SIDE];
        for a in 1..SIDE {
            for b in 0..SIDE {
                // 1 / (a * binomial(a + b, b))
                let binomial: f64 = (0..b).map(|k| (a + b - k) as f64 / (b - k) as f64).product();
                weights[a * SIDE + b] = 1.0 / (a as f64 * binomial);
            }
        }
        Self(weights)
    }

    fn of(&self, a: u32, b: u32) -> f64 {
        self.0[a as usize * SIDE + b as usize]
    }
}

/// A background row that still has a way to where the walk is.
#[derive(Debug, Clone, Copy)]
struct Alive {
    row: u32,
    /// Which of the players on the path lead it elsewhere, so that only the explained row leads here.
    failed: u64,
}

/// One explained row in one tree.
struct Walk<'a, T> {
    tree: &'a T,
    asking: &'a Asking<'a>,
    weights: &'a Weights,
    row: usize,
    factor: f64,
    sums: &'a mut [f64],
    /// Players on the path at which the rows parted.
    path: Vec<usize>,
    alive: Vec<Alive>,
    looks: u64,
}

impl<'a, T: Decides> Walk<'a, T> {
    fn new(
        tree: &'a T,
        asking: &'a Asking<'a>,
        weights: &'a Weights,
        row: usize,
        factor: f64,
        sums: &'a mut [f64],
        looks: u64,
    ) -> Self {
        Self { tree, asking, weights, row, factor, sums, path: Vec::new(), alive: Vec::new(), looks }
    }

    /// From a place on, with the background rows from `first` on, where the explained row has `failed` some players.
    fn down(&mut self, mut place: u32, first: usize, failed: u64, turns: usize) -> bool {
        loop {
            let (feature, left, right) = match self.tree.at(place) {
                Place::Leaf(value) => {
                    self.add(value, first, failed);
                    return true;
                }
                Place::Test { feature, left, right } => (feature, left, right),
            };
            let count = self.alive.len() - first;
            self.looks += count as u64 + 1;
            if self.looks > LOOKS_MAX || turns > TURNS_MAX {
                return false;
            }
            let goes_right = self.tree.is_right(place, self.row);
            let mut parting = 0_u128;
            for (at, alive) in self.alive[first..].iter().enumerate() {
                let parts = self.tree.is_right(place, alive.row as usize) != goes_right;
                parting |= u128::from(parts) << at;
            }
            let (here, there) = if goes_right { (right, left) } else { (left, right) };
            if parting == 0 {
                place = here;
                continue;
            }
            return self.part((here, there), first, failed, (self.asking.owners[feature as usize], parting), turns);
        }
    }

    /// Both sides of a test at which some background rows part from the explained one.
    fn part(
        &mut self,
        (here, there): (u32, u32),
        first: usize,
        failed: u64,
        (player, parting): (usize, u128),
        turns: usize,
    ) -> bool {
        let known = self.path.iter().position(|known| *known == player);
        let at = known.unwrap_or(self.path.len());
        if at >= PLAYERS_ON_A_PATH_MAX {
            return false;
        }
        if known.is_none() {
            self.path.push(player);
        }
        let (bit, end) = (1_u64 << at, self.alive.len());
        let parts = |index: usize| parting >> (index - first) & 1 == 1;
        // Where the explained row goes; one that parts from it needs the player to be known, which must not be failed.
        for index in first..end {
            let alive = self.alive[index];
            if !parts(index) {
                self.alive.push(alive);
            } else if failed & bit == 0 {
                self.alive.push(Alive { failed: alive.failed | bit, ..alive });
            }
        }
        let mut whole = self.alive.len() == end || self.down(here, end, failed, turns + 1);
        self.alive.truncate(end);
        // The other side, for which the player must not be known.
        for index in first..end {
            let alive = self.alive[index];
            if parts(index) && alive.failed & bit == 0 {
                self.alive.push(alive);
            }
        }
        whole = whole && (self.alive.len() == end || self.down(there, end, failed | bit, turns + 1));
        self.alive.truncate(end);
        if known.is_none() {
            self.path.pop();
        }
        whole
    }

    fn add(&mut self, value: f64, first: usize, failed: u64) {
        let value = value * self.factor;
        let against = failed.count_ones();
        let mut taken = 0.0;
        for alive in &self.alive[first..] {
            let needed = alive.failed.count_ones();
            if needed > 0 {
                let worth = value * self.weights.of(needed, against);
                bits(alive.failed).for_each(|at| self.sums[self.path[at]] += worth);
            }
            if against > 0 {
                taken += self.weights.of(against, needed);
            }
        }
        bits(failed).for_each(|at| self.sums[self.path[at]] -= value * taken);
    }
}

fn bits(mut set: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let at = (set != 0).then(|| set.trailing_zeros() as usize)?;
        set &= set - 1;
        Some(at)
    })
}

/// Explains the score `intercept + sum of (coefficient * cell)` of rows, row-major, the explained ones first.
///
/// A feature adds its coefficient times the distance of its cell from the mean of the background (Lundberg and Lee 2017,
/// corollary 1), which is exact for whatever made the cell of its column.
pub(crate) fn linear(coefficients: &[f64], intercept: f64, rows: &[f64], asking: Asking<'_>) -> Option<Attributions> {
    if !asking.is_sound() || coefficients.len() != asking.owners.len() || coefficients.is_empty() {
        return None;
    }
    let mut means = vec![0.0; coefficients.len()];
    let rows = rows.chunks_exact(coefficients.len());
    for row in rows.clone().skip(asking.explained) {
        means.iter_mut().zip(row).for_each(|(mean, cell)| *mean += cell);
    }
    let count = asking.background() as f64;
    means.iter_mut().for_each(|mean| *mean /= count);
    let base = intercept + coefficients.iter().zip(&means).map(|(coefficient, mean)| coefficient * mean).sum::<f64>();
    let mut values = vec![0.0; asking.explained * asking.players];
    for (row, values) in rows.take(asking.explained).zip(values.chunks_exact_mut(asking.players.max(1))) {
        for (at, owner) in asking.owners.iter().enumerate() {
            values[*owner] += coefficients[at] * (row[at] - means[at]);
        }
    }
    Some(Attributions { base, features: asking.players, values })
}

//! The bootstrap of the cells, and simultaneous intervals for the extremes over groups.
//!
//! A resample draws, for each group, its (label x decision) table anew from a multinomial of the same size: the number
//! of rows of a group is held, so no resample ever loses a group (what breaks row bootstraps, fairlearn #1441). The
//! cost does not depend on the number of rows.
//!
//! The range of many noisy rates is biased upwards, and so is its percentile interval: 60 equal groups of 30 rows show a
//! large "difference" whose percentile interval lies far from zero. So intervals here are simultaneous: from the
//! resamples comes the quantile q of the largest studentized deviation |(x_i* - x_j*) - (x_i - x_j)| / se_ij over all
//! pairs, and the range lies in [max (x_i - x_j - q se_ij), max (x_i - x_j + q se_ij)] with the confidence asked. The
//! interval always contains the point, and noise alone does not fail anybody.

use assize_tables::{Cancel, Cancelled};
use rand_core::SeedableRng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::tally::{Attribute, Rate, Table};
use crate::statistics::{Binomial, Chance, Interval, Share};

/// Up to this many groups all pairs are looked at; above, their bound (see [`Spread::largest_bound`]).
const EXACT_PAIRS_GROUPS_MAX: usize = 64;

/// The places of a table that are resampled: rows with a decision, by `[label][decision]`.
const PLACES: [[usize; 2]; 6] = [[0, 0], [0, 1], [1, 0], [1, 1], [2, 0], [2, 1]];

/// Resampled tables of the groups of one attribute that have enough rows.
#[derive(Debug)]
pub(crate) struct Draws {
    /// Indexes into [`Attribute::groups`].
    pub(crate) groups: Vec<usize>,
    /// Resample-major: the counts at [`PLACES`] of each group.
    tables: Vec<[u32; 6]>,
}

/// A rate by group, with its standard error and its deviations over the resamples.
#[derive(Debug, Default)]
pub(crate) struct Spread {
    /// By group.
    pub(crate) estimates: Vec<f64>,
    /// By group.
    errors: Vec<f64>,
    /// Resample-major; NaN where the rate is undefined in a resample.
    deviations: Vec<f64>,
}

/// What a rate is compared by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scale {
    /// By difference.
    Plain,
    /// By ratio: natural logarithms, 0.5 added to both counts.
    Log,
}

/// A generator for one purpose: the same whatever else is drawn, and by whom.
pub(crate) fn stream(seed: u64, purpose: u64, index: u64) -> Xoshiro256PlusPlus {
    // SplitMix64's increment and finalizer spread neighbouring indexes over the whole state space.
    let mut state = seed;
    for part in [purpose, index] {
        state = (state ^ part).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    Xoshiro256PlusPlus::seed_from_u64(state)
}

/// Draws the tables of all groups with at least `group_size_min` decided rows.
pub(crate) fn draw(
    attribute: &Attribute,
    group_size_min: u64,
    resamples: u32,
    seed: u64,
    cancel: &Cancel,
) -> Result<Draws, Cancelled> {
    let groups: Vec<usize> = (0..attribute.groups.len())
        .filter(|&group| attribute.groups[group].admits(Rate::Selection, group_size_min))
        .collect();
    let plans: Vec<Plan> = groups.iter().map(|&group| Plan::new(attribute, group)).collect();
    let mut tables = Vec::with_capacity(groups.len() * resamples as usize);
    for resample in 0..resamples {
        cancel.check()?;
        let mut random = stream(seed, attribute.stream, u64::from(resample));
        tables.extend(plans.iter().map(|plan| plan.draw(&mut random)));
    }
    Ok(Draws { groups, tables })
}

/// How one group is drawn: its places by falling weight, so that the conditional draws end early.
struct Plan {
    trials: u64,
    /// (place, its chance given that no earlier place took the row) but for the last, which takes what is left.
    steps: Vec<(usize, Chance)>,
    last: usize,
    first: Option<Binomial>,
}

impl Plan {
    fn new(attribute: &Attribute, group: usize) -> Self {
        let tally = &attribute.groups[group];
        let weight = |table: &Table, place: usize| table[PLACES[place][0]][PLACES[place][1]];
        let mut places: Vec<(usize, f64)> = (0..PLACES.len())
            .map(|place| (place, weight(&tally.weights, place)))
            .filter(|(_, weight)| *weight > 0.0)
            .collect();
        places.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let mut rest: f64 = places.iter().map(|(_, weight)| weight).sum();
        // Counts of a resample are held in 32 bits; more rows than that change no interval in any digit shown.
        let trials = libm::round(rest * tally.scale).clamp(1.0, f64::from(u32::MAX)) as u64;
        let last = places.pop().map_or(0, |(place, _)| place);
        let mut steps = Vec::with_capacity(places.len());
        for (place, weight) in places {
            steps.push((place, Chance::new(weight / rest)));
            rest -= weight;
        }
        let first = steps.first().map(|(_, chance)| chance.trials(trials));
        Self { trials, steps, last, first }
    }

    fn draw(&self, random: &mut Xoshiro256PlusPlus) -> [u32; 6] {
        let mut table = [0_u32; 6];
        let mut left = self.trials;
        for (index, (place, chance)) in self.steps.iter().enumerate() {
            let taken = match &self.first {
                Some(first) if index == 0 => first.draw(random),
                _ => chance.trials(left).draw(random),
            };
            table[*place] = taken as u32;
            left -= taken;
        }
        table[self.last] = left as u32;
        table
    }
}

impl Draws {
    /// Resamples drawn.
    pub(crate) fn resamples(&self) -> usize {
        if self.groups.is_empty() { 0 } else { self.tables.len() / self.groups.len() }
    }

    /// The counts of a rate: by resample, by drawn group.
    fn shares(&self, rate: Rate) -> impl Fn(usize, usize) -> Share {
        let (hits, all) = rate.places();
        let mask = |places: &[[usize; 2]]| PLACES.map(|place| if places.contains(&place) { 1_u32 } else { 0 });
        let (hits, all) = (mask(hits), mask(all));
        let dot = |table: &[u32; 6], mask: &[u32; 6]| {
            let products: u64 = table.iter().zip(mask).map(|(count, keep)| u64::from(count * keep)).sum();
            products as f64
        };
        move |resample, index| {
            let table = &self.tables[resample * self.groups.len() + index];
            Share { hits: dot(table, &hits), n: dot(table, &all) }
        }
    }

    /// The rate of these groups (indexes into [`Attribute::groups`], all drawn) over the resamples.
    pub(crate) fn spread(&self, attribute: &Attribute, rate: Rate, groups: &[usize], scale: Scale) -> Spread {
        let shares = self.shares(rate);
        let index_of: Vec<usize> = groups
            .iter()
            .map(|group| self.groups.binary_search(group).expect("a scored group has enough rows to be drawn"))
            .collect();
        let points: Vec<Share> = groups.iter().map(|&group| attribute.groups[group].share(rate)).collect();
        let estimates: Vec<f64> = points.iter().map(|&share| scaled(share, scale)).collect();
        let errors = points.iter().map(|&share| standard_error(share, scale)).collect();
        let mut deviations = Vec::with_capacity(groups.len() * self.resamples());
        for resample in 0..self.resamples() {
            for (&index, estimate) in index_of.iter().zip(&estimates) {
                deviations.push(scaled(shares(resample, index), scale) - estimate);
            }
        }
        Spread { estimates, errors, deviations }
    }

    /// Smallest over largest selection rate of these groups in each resample; `None` where nobody is selected.
    pub(crate) fn selection_rate_ratios(&self) -> Vec<Option<f64>> {
        let shares = self.shares(Rate::Selection);
        (0..self.resamples())
            .map(|resample| {
                let rates = (0..self.groups.len()).filter_map(|index| shares(resample, index).rate());
                let (low, high) = rates.fold((f64::INFINITY, 0.0_f64), |(l, h), r| (l.min(r), h.max(r)));
                (high > 0.0).then(|| low / high)
            })
            .collect()
    }
}

fn scaled(share: Share, scale: Scale) -> f64 {
    match scale {
        Scale::Plain => share.hits / share.n,
        Scale::Log if share.n > 0.0 => libm::log((share.hits + 0.5) / (share.n + 0.5)),
        Scale::Log => f64::NAN,
    }
}

/// Never 0: a share of 0 or 1 is smoothed by half a row, else its interval would be a point.
fn standard_error(share: Share, scale: Scale) -> f64 {
    let p = (share.hits + 0.5) / (share.n + 1.0);
    match scale {
        Scale::Plain => libm::sqrt(p * (1.0 - p) / share.n),
        Scale::Log => libm::sqrt((1.0 - p) / (p * share.n)),
    }
}

impl Spread {
    /// A spread from analytic standard errors: deviations are normal draws.
    pub(crate) fn normal(
        estimates: Vec<f64>,
        errors: Vec<f64>,
        resamples: u32,
        random: &mut Xoshiro256PlusPlus,
    ) -> Self {
        let mut deviations = Vec::with_capacity(estimates.len() * resamples as usize);
        for _ in 0..resamples {
            deviations.extend(errors.iter().map(|error| error * standard_normal(random)));
        }
        Self { estimates, errors, deviations }
    }

    fn groups(&self) -> usize {
        self.estimates.len()
    }

    fn resamples(&self) -> usize {
        self.deviations.len() / self.groups().max(1)
    }

    fn pair_error(&self, i: usize, j: usize) -> f64 {
        libm::sqrt(self.errors[i] * self.errors[i] + self.errors[j] * self.errors[j])
    }

    /// Raises each entry of `largest` (one a resample) to the largest studentized deviation over these pairs.
    fn raise(&self, largest: &mut [f64], pairs: &[(usize, usize)]) {
        let weighted: Vec<(usize, usize, f64)> =
            pairs.iter().map(|&(i, j)| (i, j, 1.0 / self.pair_error(i, j).max(1e-12))).collect();
        for (row, top) in self.deviations.chunks_exact(self.groups()).zip(largest) {
            let mut high = *top;
            for &(i, j, weight) in &weighted {
                let deviation = (row[i] - row[j]).abs() * weight;
                // False for NaN: an undefined rate takes no part.
                if deviation > high {
                    high = deviation;
                }
            }
            *top = high;
        }
    }

    /// As [`Self::raise`] over all pairs, from above and in one pass: a pair on both sides of zero is bounded by
    /// sqrt(z_i^2 + z_j^2) (Cauchy-Schwarz), one on the same side by the larger z.
    fn raise_bound(&self, largest: &mut [f64]) {
        for (row, top) in self.deviations.chunks_exact(self.groups()).zip(largest) {
            let (mut up, mut down) = (0.0_f64, 0.0_f64);
            for (deviation, error) in row.iter().zip(&self.errors) {
                let z = deviation / error.max(1e-12);
                up = up.max(z);
                down = down.max(-z);
            }
            *top = top.max(libm::sqrt(up * up + down * down));
        }
    }

    /// [low, high] of the largest difference between two of the groups, each at `q` standard errors.
    fn range(&self, q: f64) -> Interval {
        let (mut low, mut high) = (0.0_f64, 0.0_f64);
        for i in 0..self.groups() {
            for j in 0..self.groups() {
                if i != j {
                    let difference = self.estimates[i] - self.estimates[j];
                    let slack = q * self.pair_error(i, j);
                    low = low.max(difference - slack);
                    high = high.max(difference + slack);
                }
            }
        }
        [low, high]
    }

    /// [low, high] of |x_i - x_j| at `q` standard errors.
    pub(crate) fn distance(&self, i: usize, j: usize, q: f64) -> Interval {
        let (distance, slack) = ((self.estimates[i] - self.estimates[j]).abs(), q * self.pair_error(i, j));
        [(distance - slack).max(0.0), distance + slack]
    }
}

/// Simultaneous interval of the largest range of these spreads.
pub(crate) fn range_interval(spreads: &[&Spread], confidence: f64) -> Interval {
    let q = all_pairs_quantile(spreads, confidence);
    spreads.iter().fold([0.0, 0.0], |[low, high], spread| {
        let [l, h] = spread.range(q);
        [low.max(l), high.max(h)]
    })
}

/// The quantile of the largest studentized deviation over all pairs of groups of all spreads.
fn all_pairs_quantile(spreads: &[&Spread], confidence: f64) -> f64 {
    let mut largest = vec![0.0; spreads.iter().map(|spread| spread.resamples()).min().unwrap_or(0)];
    for spread in spreads {
        let groups = spread.groups();
        if groups > EXACT_PAIRS_GROUPS_MAX {
            spread.raise_bound(&mut largest);
        } else {
            let pairs: Vec<(usize, usize)> = (0..groups).flat_map(|i| (i + 1..groups).map(move |j| (i, j))).collect();
            spread.raise(&mut largest, &pairs);
        }
    }
    quantile(&mut largest, confidence)
}

/// The same over the pairs of one group with each other.
pub(crate) fn against_one_quantile(spreads: &[&Spread], reference: usize, confidence: f64) -> f64 {
    let mut largest = vec![0.0; spreads.iter().map(|spread| spread.resamples()).min().unwrap_or(0)];
    for spread in spreads {
        let pairs: Vec<(usize, usize)> =
            (0..spread.groups()).filter(|&i| i != reference).map(|i| (i, reference)).collect();
        spread.raise(&mut largest, &pairs);
    }
    quantile(&mut largest, confidence)
}

/// The smallest value with at least this share of the values at or below it; infinite when there are none.
pub(crate) fn quantile(values: &mut [f64], share: f64) -> f64 {
    if values.is_empty() {
        return f64::INFINITY;
    }
    let rank = libm::ceil(share * values.len() as f64) as usize;
    let place = rank.clamp(1, values.len()) - 1;
    *values.select_nth_unstable_by(place, f64::total_cmp).1
}

/// Marsaglia's polar method.
fn standard_normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    loop {
        let u = 2.0 * crate::statistics::uniform(random) - 1.0;
        let v = 2.0 * crate::statistics::uniform(random) - 1.0;
        let s = u * u + v * v;
        if s > 0.0 && s < 1.0 {
            return u * libm::sqrt(-2.0 * libm::log(s) / s);
        }
    }
}

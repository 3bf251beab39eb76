//! Cut-offs on the score: one for each group, or the best single one.
//!
//! A cut-off of a group is the place where a score bin begins: selected are the scores of that bin and above. As the
//! cut-off rises, selection rate, TPR and FPR fall, so the cut-offs that keep a rate inside a window are one stretch, and
//! the most accurate of a stretch is read from a sparse table. Sliding the window over all levels of the common rate
//! finds the most accurate set of cut-offs whose rates lie within the threshold of each other.

use assize_tables::{Cancel, Cancelled};

use super::{Ground, accuracy, range};
use crate::document::{Mitigation, NamedValue};
use crate::metrics::tally::{Attribute, BINS, Histogram, Rate, Tally};

/// Levels of the common rate that are tried; two-dimensional goals try the square of [`LEVELS_SQUARE`].
const LEVELS: usize = 1000;
const LEVELS_SQUARE: usize = 100;
/// Cut-offs of a group: at each bin, and one above all scores.
const CUTS: usize = BINS + 1;

/// Share of right decisions from which on a single cut-off costs too much to be offered.
const ACCURACY_COST_MAX: f64 = 0.1;

/// What the cut-offs are to achieve.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Goal {
    DemographicParity,
    DisparateImpact,
    EqualOpportunity,
    EqualizedOdds,
}

impl Goal {
    const ALL: [Self; 4] =
        [Self::DemographicParity, Self::DisparateImpact, Self::EqualOpportunity, Self::EqualizedOdds];

    fn name(self) -> &'static str {
        match self {
            Self::DemographicParity => "demographic_parity",
            Self::DisparateImpact => "disparate_impact",
            Self::EqualOpportunity => "equal_opportunity",
            Self::EqualizedOdds => "equalized_odds",
        }
    }

    fn rates(self) -> &'static [Rate] {
        match self {
            Self::DemographicParity | Self::DisparateImpact => &[Rate::Selection],
            Self::EqualOpportunity => &[Rate::Tpr],
            Self::EqualizedOdds => &[Rate::Tpr, Rate::Fpr],
        }
    }

    fn metric(self, ranges: &[[f64; 2]]) -> Option<f64> {
        match self {
            Self::DisparateImpact => ranges.first().filter(|[_, high]| *high > 0.0).map(|[low, high]| low / high),
            _ => ranges.iter().map(|[low, high]| high - low).reduce(f64::max),
        }
    }
}

/// One remedy a goal whose metric is beyond its threshold and for which a set of cut-offs exists.
pub(super) fn by_group(
    ground: &Ground<'_>,
    attribute: &Attribute,
    cancel: &Cancel,
) -> Result<Vec<Mitigation>, Cancelled> {
    let limits = ground.settings.thresholds;
    let mut mitigations = Vec::new();
    for goal in Goal::ALL {
        cancel.check()?;
        let threshold = match goal {
            Goal::DemographicParity => limits.demographic_parity_difference_max,
            Goal::DisparateImpact => limits.disparate_impact_min,
            Goal::EqualOpportunity => limits.equal_opportunity_difference_max,
            Goal::EqualizedOdds => limits.equalized_odds_difference_max,
        };
        let min = limits.group_size_min;
        let ranges: Option<Vec<[f64; 2]>> = goal.rates().iter().map(|&rate| range(attribute, rate, min)).collect();
        let Some(before) = ranges.and_then(|ranges| goal.metric(&ranges)) else { continue };
        let met = if goal == Goal::DisparateImpact { before >= threshold } else { before <= threshold };
        // Only groups that every rate of the goal admits get a cut-off of their own.
        let admits = |tally: &Tally| tally.scores.is_some() && goal.rates().iter().all(|&rate| tally.admits(rate, min));
        let groups: Vec<usize> =
            (0..attribute.groups.len()).filter(|&group| admits(&attribute.groups[group])).collect();
        if met || groups.len() < 2 {
            continue;
        }
        let curves: Vec<Curve> =
            groups.iter().filter_map(|&group| attribute.groups[group].scores.as_ref()).map(Curve::new).collect();
        if let Some(cuts) = search(&curves, goal, threshold, cancel)? {
            let chosen = Chosen { goal, groups: &groups, curves: &curves, cuts: &cuts, before };
            mitigations.push(describe(ground, attribute, &chosen));
        }
    }
    Ok(mitigations)
}

/// The best single cut-off of the sweep, when it mends this attribute and the decisions at hand do not.
pub(super) fn single(ground: &Ground<'_>, attribute: &Attribute, key: usize) -> Option<Mitigation> {
    let limits = ground.settings.thresholds;
    let ratio = |[low, high]: [f64; 2]| (high > 0.0).then(|| low / high);
    let before = ratio(range(attribute, Rate::Selection, limits.group_size_min)?)?;
    if before >= limits.disparate_impact_min {
        return None;
    }
    let best = ground.sweep.iter().find(|point| point.best)?;
    let (accuracy_before, accuracy_after) = (accuracy(attribute), best.accuracy);
    // A cut-off that levels everybody down until nobody is decided rightly is not a remedy.
    if accuracy_before.zip(accuracy_after).is_some_and(|(before, after)| before - after >= ACCURACY_COST_MAX) {
        return None;
    }
    let cut = (best.threshold * BINS as f64) as usize;
    let changed = attribute.groups.iter().map(|tally| NamedValue {
        name: tally.name.clone(),
        value: tally.scores.as_ref().map(|histogram| changed(histogram, cut)),
    });
    Some(Mitigation {
        kind: "single_threshold".to_owned(),
        attribute: attribute.name.clone(),
        goal: "disparate_impact".to_owned(),
        settings: vec![NamedValue { name: "threshold".to_owned(), value: Some(best.threshold) }],
        before: Some(before),
        after: best.selection_rate_ratio[key],
        accuracy_before,
        accuracy_after,
        changed: changed.collect(),
        note: format!(
            "Select everybody who scores {:.4} or more: the most accurate single cut-off at which every attribute \
             reaches a selection rate ratio of {:.2}; it selects {:.1} % of all rows. The same rule holds for all groups. \
             Measured on the rows it was chosen on.",
            best.threshold,
            limits.disparate_impact_min,
            100.0 * best.selection_rate,
        ),
    })
}

/// Rates and right decisions of a group by cut-off.
struct Curve {
    /// Falling in the cut-off.
    selection: Vec<f64>,
    tpr: Vec<f64>,
    fpr: Vec<f64>,
    /// `[k][cut]`: the most accurate cut-off in `cut .. cut + 2^k`.
    best: Vec<Vec<u16>>,
    /// Weight of right decisions.
    right: Vec<f64>,
}

impl Curve {
    fn new(histogram: &Histogram) -> Self {
        let [negative, positive, _] = &histogram.weights;
        let above = |weight: &dyn Fn(usize) -> f64| {
            let mut above = vec![0.0; CUTS];
            for bin in (0..BINS).rev() {
                above[bin] = above[bin + 1] + weight(bin);
            }
            above
        };
        let share = |above: &[f64]| -> Vec<f64> {
            above.iter().map(|sum| if above[0] > 0.0 { sum / above[0] } else { 0.0 }).collect()
        };
        let selected = above(&|bin| histogram.total(bin));
        let (true_positive, false_positive) = (above(&|bin| positive[bin]), above(&|bin| negative[bin]));
        let right: Vec<f64> =
            (0..CUTS).map(|cut| true_positive[cut] + false_positive[0] - false_positive[cut]).collect();
        Self {
            selection: share(&selected),
            tpr: share(&true_positive),
            fpr: share(&false_positive),
            best: sparse_table(&right),
            right,
        }
    }

    fn rate(&self, rate: Rate) -> &[f64] {
        match rate {
            Rate::Tpr => &self.tpr,
            Rate::Fpr => &self.fpr,
            _ => &self.selection,
        }
    }

    /// The cut-offs with the rate in [low, high], as from..to.
    fn stretch(&self, rate: Rate, low: f64, high: f64) -> (usize, usize) {
        let values = self.rate(rate);
        let from = values.partition_point(|&value| value > high);
        let to = values.partition_point(|&value| value >= low);
        (from, to)
    }

    /// The most accurate cut-off in from..to; of equals the lowest. `None` when it is empty.
    fn most_accurate(&self, (from, to): (usize, usize)) -> Option<usize> {
        if from >= to {
            return None;
        }
        let level = (to - from).ilog2() as usize;
        let (a, b) = (self.best[level][from], self.best[level][to - (1 << level)]);
        Some(usize::from(better(&self.right, a, b)))
    }
}

fn sparse_table(right: &[f64]) -> Vec<Vec<u16>> {
    let mut table: Vec<Vec<u16>> = vec![(0..right.len() as u16).collect()];
    let mut width = 1;
    while 2 * width <= right.len() {
        let below = table.last().expect("starts with one level");
        let level = (0..=right.len() - 2 * width).map(|cut| better(right, below[cut], below[cut + width])).collect();
        table.push(level);
        width *= 2;
    }
    table
}

/// Of equals the first.
fn better(right: &[f64], a: u16, b: u16) -> u16 {
    if right[usize::from(b)] > right[usize::from(a)] { b } else { a }
}

/// The most accurate cut-offs, one a curve, that reach the goal; `None` when no level has one for each.
fn search(curves: &[Curve], goal: Goal, threshold: f64, cancel: &Cancel) -> Result<Option<Vec<usize>>, Cancelled> {
    let windows = |levels: usize| -> Vec<[f64; 2]> {
        let window = |level: usize| {
            let low = level as f64 / levels as f64;
            // A hair inside the threshold, so that rounding cannot carry the result over it.
            let high = if goal == Goal::DisparateImpact { low / threshold } else { low + threshold };
            [low, high - 1e-12]
        };
        // Nobody selected is not a remedy.
        (usize::from(goal == Goal::DisparateImpact)..=levels).map(window).collect()
    };
    let mut best: Option<(f64, Vec<usize>)> = None;
    let mut cuts = Vec::with_capacity(curves.len());
    let mut consider = |stretches: &dyn Fn(usize) -> (usize, usize)| {
        cuts.clear();
        let mut right = 0.0;
        for (place, curve) in curves.iter().enumerate() {
            let Some(cut) = curve.most_accurate(stretches(place)) else { return };
            right += curve.right[cut];
            cuts.push(cut);
        }
        if best.as_ref().is_none_or(|(highest, _)| right > *highest) {
            best = Some((right, cuts.clone()));
        }
    };
    // By window, by curve.
    let stretches = |rate: Rate, windows: &[[f64; 2]]| -> Vec<Vec<(usize, usize)>> {
        let stretches = |&[low, high]: &[f64; 2]| curves.iter().map(|curve| curve.stretch(rate, low, high)).collect();
        windows.iter().map(stretches).collect()
    };
    match goal.rates() {
        [rate] => {
            for own in stretches(*rate, &windows(LEVELS)) {
                consider(&|place| own[place]);
            }
        }
        _ => {
            let windows = windows(LEVELS_SQUARE);
            let false_positive = stretches(Rate::Fpr, &windows);
            for tpr in stretches(Rate::Tpr, &windows) {
                cancel.check()?;
                for fpr in &false_positive {
                    consider(&|place| (tpr[place].0.max(fpr[place].0), tpr[place].1.min(fpr[place].1)));
                }
            }
        }
    }
    Ok(best.map(|(_, cuts)| cuts))
}

struct Chosen<'a> {
    goal: Goal,
    groups: &'a [usize],
    curves: &'a [Curve],
    cuts: &'a [usize],
    before: f64,
}

fn describe(ground: &Ground<'_>, attribute: &Attribute, chosen: &Chosen<'_>) -> Mitigation {
    let named = |place: usize, value: f64| NamedValue {
        name: attribute.groups[chosen.groups[place]].name.clone(),
        value: Some(value),
    };
    let histograms: Vec<&Histogram> =
        chosen.groups.iter().filter_map(|&group| attribute.groups[group].scores.as_ref()).collect();
    let ranges: Vec<[f64; 2]> = chosen
        .goal
        .rates()
        .iter()
        .map(|&rate| {
            let rates = chosen.curves.iter().zip(chosen.cuts).map(|(curve, &cut)| curve.rate(rate)[cut]);
            rates.fold([f64::INFINITY, 0.0], |[low, high], rate| [f64::min(low, rate), f64::max(high, rate)])
        })
        .collect();
    let kept: Vec<&str> = (0..attribute.groups.len())
        .filter(|group| !chosen.groups.contains(group))
        .map(|group| attribute.groups[group].name.as_str())
        .collect();
    let small = if kept.is_empty() {
        String::new()
    } else {
        format!(" Too small for a cut-off of their own, decisions unchanged: {}.", kept.join(", "))
    };
    Mitigation {
        kind: "group_thresholds".to_owned(),
        attribute: attribute.name.clone(),
        goal: chosen.goal.name().to_owned(),
        settings: chosen.cuts.iter().enumerate().map(|(i, &cut)| named(i, cut as f64 / BINS as f64)).collect(),
        before: Some(chosen.before),
        after: chosen.goal.metric(&ranges),
        accuracy_before: accuracy(attribute),
        accuracy_after: accuracy_after(attribute, chosen),
        changed: histograms
            .iter()
            .zip(chosen.cuts)
            .enumerate()
            .map(|(place, (histogram, &cut))| named(place, changed(histogram, cut)))
            .collect(),
        note: format!(
            "Select a row when its score reaches the cut-off of its group. Measured on the rows it was chosen on; groups \
             get what the most accurate such set of cut-offs gives them.{small} {}",
            legal_warning(ground.settings.domain)
        ),
    }
}

/// Accuracy with the chosen cut-offs, over all labelled and decided rows; unscored rows and the other groups as they are.
fn accuracy_after(attribute: &Attribute, chosen: &Chosen<'_>) -> Option<f64> {
    let all: f64 =
        attribute.groups.iter().map(|tally| tally.weights[..2].iter().map(|row| row[0] + row[1]).sum::<f64>()).sum();
    let before = accuracy(attribute)? * all;
    let gained: f64 = chosen
        .groups
        .iter()
        .zip(chosen.curves)
        .zip(chosen.cuts)
        .filter_map(|((&group, curve), &cut)| Some(curve.right[cut] - attribute.groups[group].scores.as_ref()?.correct))
        .sum();
    Some(((before + gained) / all).clamp(0.0, 1.0))
}

/// Decided rows whose decision differs under this cut-off.
fn changed(histogram: &Histogram, cut: usize) -> f64 {
    let [rejected, selected] = &histogram.decided_rows;
    let rows: u64 = selected[..cut].iter().sum::<u64>() + rejected[cut..].iter().sum::<u64>();
    rows as f64
}

/// Deciding by group is itself a legal question.
fn legal_warning(domain: &str) -> &'static str {
    match domain {
        "employment" => {
            "Legal warning: a cut-off that depends on race, color, religion, sex or national origin is disparate \
             treatment; 42 USC 2000e-2(l) forbids different cut-off scores in US employment. Use it to see the price, and \
             look for a less discriminatory model."
        }
        "credit" => {
            "Legal warning: a cut-off that depends on a protected characteristic is disparate treatment under 15 USC \
             1691(a) and 12 CFR 1002.4(a). Use it to see the price, and look for a less discriminatory model."
        }
        _ => {
            "Legal warning: a cut-off that depends on a protected characteristic may be disparate treatment (direct \
             discrimination); take legal advice before using it."
        }
    }
}

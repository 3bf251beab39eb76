//! Every cut-off over the score: accuracy, selection rate, smallest selection rate ratio and TPR range of each attribute
//! at each of the 1,024 places where a bin begins.

use super::groups::quotient;
use super::tally::{Attribute, BINS, Histogram, Tally};
use super::{MeasureSettings, Present};
use crate::document::SweepPoint;

/// Cut-offs listed apart from the best and the Pareto front: every tenth or so.
const LISTED: usize = 101;
/// Points of the Pareto front that are listed; a longer front is thinned evenly.
const FRONT_MAX: usize = 100;

/// The sweep over the single attributes; empty without scores.
pub(crate) fn sweep(attributes: &[Attribute], settings: &MeasureSettings<'_>, present: Present) -> Vec<SweepPoint> {
    if !present.scores || attributes.is_empty() {
        return Vec::new();
    }
    let mut points = all_cut_offs(attributes, settings, present);
    mark_best(&mut points, settings.thresholds.disparate_impact_min);
    mark_front(&mut points);
    let front: Vec<usize> = (0..BINS).filter(|&bin| points[bin].pareto).collect();
    let step = front.len().div_ceil(FRONT_MAX).max(1);
    let mut keep = vec![false; BINS];
    for listed in 0..LISTED {
        keep[listed * (BINS - 1) / (LISTED - 1)] = true;
    }
    front.iter().step_by(step).for_each(|&bin| keep[bin] = true);
    let kept = points.into_iter().zip(keep).filter(|(point, keep)| *keep || point.best);
    kept.map(|(point, _)| point).collect()
}

/// Cumulative counts from the top: `[bin]` holds the scores of that bin and above.
struct Above {
    all: Vec<f64>,
    positive: Vec<f64>,
    negative: Vec<f64>,
}

impl Above {
    fn new(histogram: &Histogram) -> Self {
        let from_top = |weight: &dyn Fn(usize) -> f64| {
            let mut above = vec![0.0; BINS];
            let mut sum = 0.0;
            for bin in (0..BINS).rev() {
                sum += weight(bin);
                above[bin] = sum;
            }
            above
        };
        Self {
            all: from_top(&|bin| histogram.total(bin)),
            positive: from_top(&|bin| histogram.weights[1][bin]),
            negative: from_top(&|bin| histogram.weights[0][bin]),
        }
    }
}

fn all_cut_offs(attributes: &[Attribute], settings: &MeasureSettings<'_>, present: Present) -> Vec<SweepPoint> {
    let min = settings.thresholds.group_size_min.max(1);
    let scored = |tally: &&Tally| tally.scores.is_some();
    let total = merge(attributes[0].groups.iter().filter_map(|tally| tally.scores.as_ref()));
    let total_above = Above::new(&total);
    // Groups large enough for a selection rate, and of them those for a true positive rate.
    let admitted: Vec<Vec<(Above, bool)>> = attributes
        .iter()
        .map(|attribute| {
            let groups = attribute.groups.iter().filter(scored);
            groups
                .filter(|tally| tally.n() >= min)
                .filter_map(|tally| {
                    let positives = tally.rows[1].iter().sum::<f64>() as u64;
                    Some((Above::new(tally.scores.as_ref()?), positives >= min))
                })
                .collect()
        })
        .collect();
    let labelled: f64 = total.weights[0].iter().chain(&total.weights[1]).sum();
    let negatives: f64 = total.weights[0].iter().sum();
    (0..BINS)
        .map(|bin| {
            let right = total_above.positive[bin] + negatives - total_above.negative[bin];
            let rates = admitted.iter().map(|groups| {
                groups.iter().filter_map(|(above, _)| quotient(above.all[bin], above.all[0])).collect::<Vec<_>>()
            });
            let tprs = admitted.iter().map(|groups| {
                let groups = groups.iter().filter(|(_, enough)| *enough);
                groups.filter_map(|(above, _)| quotient(above.positive[bin], above.positive[0])).collect::<Vec<_>>()
            });
            SweepPoint {
                threshold: bin as f64 / BINS as f64,
                accuracy: if present.labels { quotient(right, labelled) } else { None },
                selection_rate: quotient(total_above.all[bin], total_above.all[0]).unwrap_or(0.0),
                selection_rate_ratio: rates
                    .map(|rates| ends(&rates).and_then(|[low, high]| quotient(low, high)))
                    .collect(),
                tpr_difference: tprs.map(|tprs| ends(&tprs).map(|[low, high]| high - low)).collect(),
                pareto: false,
                best: false,
            }
        })
        .collect()
}

fn merge<'a>(histograms: impl Iterator<Item = &'a Histogram>) -> Histogram {
    let mut total = Histogram::empty();
    for histogram in histograms {
        for (sum, part) in total.weights.iter_mut().zip(&histogram.weights) {
            sum.iter_mut().zip(part).for_each(|(sum, part)| *sum += part);
        }
    }
    total
}

/// Smallest and largest of two or more rates.
fn ends(rates: &[f64]) -> Option<[f64; 2]> {
    (rates.len() >= 2).then(|| rates.iter().fold([f64::INFINITY, 0.0], |[l, h], &r| [f64::min(l, r), f64::max(h, r)]))
}

/// The worst ratio over the attributes; `None` when one is undefined.
fn worst_ratio(point: &SweepPoint) -> Option<f64> {
    point.selection_rate_ratio.iter().try_fold(1.0_f64, |worst, ratio| Some(worst.min((*ratio)?)))
}

/// The most accurate cut-off at which every attribute reaches the four-fifths line; of equals the lowest. None when
/// there is none, or no labels.
fn mark_best(points: &mut [SweepPoint], ratio_min: f64) {
    let mut best: Option<(usize, f64)> = None;
    for (index, point) in points.iter().enumerate() {
        let fair = worst_ratio(point).is_some_and(|ratio| ratio >= ratio_min);
        if let (true, Some(accuracy)) = (fair, point.accuracy)
            && best.is_none_or(|(_, highest)| accuracy > highest)
        {
            best = Some((index, accuracy));
        }
    }
    if let Some((index, _)) = best {
        points[index].best = true;
    }
}

/// Points that no other beats in accuracy or worst ratio without losing in the other.
fn mark_front(points: &mut [SweepPoint]) {
    let mut order: Vec<(usize, f64, f64)> = points
        .iter()
        .enumerate()
        .filter_map(|(index, point)| Some((index, point.accuracy?, worst_ratio(point)?)))
        .collect();
    order.sort_by(|a, b| b.1.total_cmp(&a.1).then(b.2.total_cmp(&a.2)).then(a.0.cmp(&b.0)));
    let mut highest = f64::NEG_INFINITY;
    for (index, _, ratio) in order {
        if ratio > highest {
            points[index].pareto = true;
            highest = ratio;
        }
    }
}
